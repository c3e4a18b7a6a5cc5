"""Every manifest is what its definition wants, and what the code and the environments say."""

from __future__ import annotations

import copy
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from conduit_generate.kubernetes.command import main
from conduit_generate.kubernetes.environment import read_environment
from conduit_generate.kubernetes.tree import HOME, OVERLAYS, folders
from conduit_local.observability.configuration import RULES_DIR
from tests.kubernetes.manifests import ENVIRONMENTS, manifests, of_kind
from tests.kubernetes.validation import KUBERNETES, complaints

REQUIRED_KINDS = {"Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser", "Cluster", "Database", "DatabaseRole"} | {
    "ScaledObject",
    "Deployment",
    "PodDisruptionBudget",
    "NetworkPolicy",
    "HTTPRoute",
    "ExternalSecret",
    "Job",
    "PodMonitor",
}

pytestmark = pytest.mark.timeout(600)  # the first run fetches the operators' definitions


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_manifest_agrees_with_its_definition(environment: str) -> None:
    found = [complaint for each in manifests(environment) for complaint in complaints(each)]
    assert found == []


def test_a_misspelt_field_of_any_kind_is_refused() -> None:
    by_kind = {each["kind"]: each for each in manifests("national")}
    for kind, each in by_kind.items():
        broken = copy.deepcopy(each)
        broken.setdefault("spec", {})["mispelt"] = True
        assert complaints(broken), kind


def test_a_value_of_the_wrong_type_is_refused() -> None:
    pool = copy.deepcopy(of_kind("national", "KafkaNodePool")[0])
    pool["spec"]["replicas"] = "three"
    assert complaints(pool) == [
        f"KafkaNodePool {pool['metadata']['name']}: $.spec.replicas: 'three' is not of type 'integer'"
    ]


def test_a_kind_that_nobody_knows_is_refused() -> None:
    (found,) = complaints({"apiVersion": "kafka.strimzi.io/v1beta1", "kind": "Kafka", "metadata": {"name": "old"}})
    assert "not known" in found


def test_the_files_are_what_the_code_gives() -> None:
    assert main(["check"]) == 0, "run make kubernetes"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_everything_that_the_conduit_needs_is_there_and_nothing_twice(environment: str) -> None:
    made = Counter((each["kind"], each["metadata"]["name"]) for each in manifests(environment))
    assert {kind for kind, _ in made} >= REQUIRED_KINDS
    assert [each for each, number in made.items() if number > 1] == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_everything_is_in_the_namespace(environment: str) -> None:
    (namespace,) = of_kind(environment, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    others = {each["metadata"].get("namespace") for each in manifests(environment) if each is not namespace}
    assert others == {namespace["metadata"]["name"]}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_secret_is_in_the_manifests(environment: str) -> None:
    assert of_kind(environment, "Secret") == []
    for each in of_kind(environment, "Deployment", "Job"):
        (container,) = each["spec"]["template"]["spec"]["containers"]
        for variable in container.get("env", ()):
            secret = re.search(r"PASSWORD$|TOKEN$|SECRET$", variable["name"])
            assert not (secret and "value" in variable), f"{each['metadata']['name']}: {variable['name']}"
            assert not re.search(r"://[^/@]*:[^/@]*@", variable.get("value", "")), variable["name"]


def test_the_rules_of_prometheus_are_taken_over_word_for_word() -> None:
    groups = [group for path in sorted(RULES_DIR.glob("*.yml")) for group in yaml.safe_load(path.read_text())["groups"]]
    taken = [group for each in of_kind("pilot", "PrometheusRule") for group in each["spec"]["groups"]]
    assert groups
    assert sorted(taken, key=lambda group: str(group["name"])) == sorted(groups, key=lambda group: str(group["name"]))


def test_a_misspelt_key_of_an_environment_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (HOME / OVERLAYS / "pilot" / "environment.toml").read_text()
    (tmp_path / "environment.toml").write_text(text.replace("brokers = 3", "broker = 3"))
    assert main(["check", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "kafka.brokers: Field required" in told
    assert "kafka.broker: Extra inputs are not permitted" in told


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("brokers = 3", "brokers = 4", "the controllers are 3 or 5"),
        ("kent = [1]", "cant = [1]", "no such force"),
        ("triage = {", "triages = {", "sizes are wanted for"),
        ("kent = [1]", "kent = []", "forces.kent"),
        ('issuer = "https://', 'issuer = "http://', "identity_providers.0.issuer: Value error, https is needed"),
        ('console = "conduit-console"', 'console = ""', "console: identity_providers.0.client_id"),
        ('console = "conduit-console", ', "", "console: identity_providers: Tuple should have at least 1 item"),
        ('programme = "conduit-programme"', 'program = "conduit-programme"', "clients: program: there are console and"),
        ('programme = "programme.', 'programme = "console.', "each desk need a host of their own"),
    ],
)
def test_what_an_environment_may_not_say_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, told: str
) -> None:
    text = (HOME / OVERLAYS / "pilot" / "environment.toml").read_text()
    (tmp_path / "environment.toml").write_text(text.replace(before, after))
    assert main(["check", str(tmp_path)]) == 2
    assert told in capsys.readouterr().err


def test_an_environment_of_ones_own_is_written_beside_the_others(tmp_path: Path) -> None:
    (tmp_path / "environment.toml").write_text((HOME / OVERLAYS / "pilot" / "environment.toml").read_text())
    assert main(["write", str(tmp_path)]) == 0
    assert (tmp_path / "users.yaml").read_text() == (HOME / OVERLAYS / "pilot" / "users.yaml").read_text()


def test_every_overlay_has_an_environment_of_its_own_name() -> None:
    assert {folder.name for folder in folders()[1:]} == {path.name for path in (HOME / OVERLAYS).iterdir()}
    assert [read_environment(folder).name for folder in folders()[1:]] == [folder.name for folder in folders()[1:]]


def test_what_deploys_readme_shows_agrees_with_its_definition() -> None:
    shown = re.findall(r"```yaml\n(.*?)```", (HOME.parent / "README.md").read_text(), re.DOTALL)
    assert len(shown) == 1
    assert [complaint for text in shown for complaint in complaints(yaml.safe_load(text))] == []


def test_deploys_readme_names_the_versions_that_were_validated_against() -> None:
    text = (HOME.parent / "README.md").read_text()
    locked = re.findall(r"^\S+ v([\d.]+) h1:", (Path(__file__).parent / "modules.lock").read_text(), re.MULTILINE)
    locked += re.findall(
        r"^io.strimzi:api:([\d.]+) ", (Path(__file__).parent / "strimzi-crds.lock").read_text(), re.MULTILINE
    )
    assert len(locked) == 7
    assert [version for version in [*locked, KUBERNETES] if version not in text] == []
