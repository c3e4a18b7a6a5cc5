"""The committed manifests as a deployer gets them: an overlay with the base below it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from conduit_generate.kubernetes.tree import HOME, KUSTOMIZATION, OVERLAYS

Resource = dict[str, Any]
ENVIRONMENTS = tuple(sorted(path.parent.name for path in (HOME / OVERLAYS).glob("*/environment.toml")))


@cache
def manifests(environment: str) -> tuple[Resource, ...]:
    """Every resource that the overlay's kustomization names."""
    return tuple(_of(HOME / OVERLAYS / environment))


def _of(folder: Path) -> Iterator[Resource]:
    kustomization = yaml.safe_load((folder / KUSTOMIZATION).read_text())
    assert kustomization.keys() == {"apiVersion", "kind", "resources"}, "a kustomization composes, and changes nothing"
    for name in kustomization["resources"]:
        path = (folder / name).resolve()
        if path.is_dir():
            yield from _of(path)
        else:
            yield from yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader)


def of_kind(environment: str, *kinds: str) -> list[Resource]:
    """Those of these kinds."""
    return [each for each in manifests(environment) if each["kind"] in kinds]


def named(environment: str, kind: str, name: str) -> Resource:
    """The one of this kind and name."""
    (found,) = (each for each in of_kind(environment, kind) if each["metadata"]["name"] == name)
    return found


def pods(environment: str) -> list[tuple[str, Resource]]:
    """Name and pod template of everything here that runs pods of its own."""
    return [
        (each["metadata"]["name"], each["spec"]["template"])
        for each in of_kind(environment, "Deployment", "Job", "StatefulSet", "DaemonSet")
    ]


def containers(template: Resource) -> list[Resource]:
    """Every container of a pod."""
    spec = template["spec"]
    return [*spec.get("initContainers", ()), *spec["containers"]]
