"""`make kubernetes-check`: other people's tools on what a deployer renders. Wants Go, and fetches it where it is missing.

kustomize builds each overlay, kubeconform checks the result against the same definitions by its own reading of them, and
hadolint reads the Dockerfile.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from conduit_generate.kubernetes.tree import HOME, OVERLAYS
from tests.kubernetes.manifests import ENVIRONMENTS, manifests
from tests.kubernetes.schemas import operators_schemas
from tests.kubernetes.tools import alone, from_pypi, go, go_environment, of_lock, run
from tests.kubernetes.validation import KUBERNETES

PROGRAMS = {
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1",
    "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0",
}
KUBERNETES_OWN = (
    "configmap-v1",
    "deployment-apps-v1",
    "job-batch-v1",
    "namespace-v1",
    "networkpolicy-networking-v1",
    "poddisruptionbudget-policy-v1",
    "service-v1",
    "serviceaccount-v1",
)


def program(name: str) -> str:
    """The path of a program of Go's, built once."""
    folder = of_lock("modules.lock") / "programs"
    with alone(folder):
        if not (folder / name).exists():
            environment = {**go_environment(folder / "go"), "GOBIN": str(folder)}
            run([go(), "install", PROGRAMS[name]], cwd=folder, env=environment)
            shutil.rmtree(folder / "go")
    return str(folder / name)


def build(environment: str) -> str:
    """What kustomize makes of the overlay. Raises AssertionError where that is not exactly the files' resources."""
    text = run([program("kustomize"), "build", str(HOME / OVERLAYS / environment)])
    built = {_key(each): each for each in yaml.load_all(text, Loader=yaml.CSafeLoader)}
    read = {_key(each): each for each in manifests(environment)}
    assert built == read, (
        f"kustomize changed {sorted(key for key in built.keys() | read if built.get(key) != read.get(key))}"
    )
    return text


def conforms(text: str, folder: Path) -> Mapping[str, int]:
    """kubeconform's own count. Raises AssertionError with its complaint where something does not conform."""
    _write_schemas(folder)
    locations = [
        f"{folder}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json",
        f"{folder}/{{{{ .Group }}}}-{{{{ .ResourceAPIVersion }}}}-{{{{ .ResourceKind }}}}.json",
    ]
    options = [option for location in locations for option in ("-schema-location", location)]
    told = run([program("kubeconform"), "-strict", "-summary", "-output", "json", *options, "-"], given=text)
    summary: dict[str, int] = json.loads(told)["summary"]
    assert not summary["invalid"] + summary["errors"] + summary["skipped"], told
    return summary


def _write_schemas(folder: Path) -> None:
    """Kubernetes' own under the names that kubeconform looks for, and the operators'."""
    package = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    release = max(package.glob(f"v{KUBERNETES}.*-local-strict"))
    shared = json.loads((release / "_definitions.json").read_text())["$defs"]
    for name in KUBERNETES_OWN:
        # They name a file beside them as if it stood on a server, so what it defines is put into each.
        text = (release / f"{name}.json").read_text().replace('"/api/_definitions.json#', '"#')
        schema = {key: value for key, value in json.loads(text).items() if key not in {"$id", "$schema"}}
        (folder / f"{name}.json").write_text(json.dumps({**schema, "$defs": shared}))
    for (version, kind), schema in operators_schemas().items():
        (folder / f"{version.replace('/', '-')}-{kind.lower()}.json").write_text(json.dumps(schema))


def _key(resource: Mapping[str, Any]) -> str:
    return f"{resource['kind']} {resource['metadata']['name']}"


def main() -> None:
    """Raises AssertionError at the first complaint."""
    for environment in ENVIRONMENTS:
        with tempfile.TemporaryDirectory() as scratch:
            summary = conforms(build(environment), Path(scratch))
        sys.stdout.write(f"{environment}: kustomize builds what the files hold, kubeconform: {summary['valid']} valid\n")
    run([str(from_pypi("hadolint", "bin/hadolint")), str(HOME.parent / "Dockerfile")])
    sys.stdout.write("Dockerfile: hadolint has nothing to say\n")


if __name__ == "__main__":
    main()
