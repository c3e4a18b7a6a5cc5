"""What every pod of the conduit must keep to, whoever writes its manifest."""

from __future__ import annotations

import re

import pytest

from conduit_chassis.settings import Settings
from conduit_contracts.topics import SERVICES
from conduit_generate.kubernetes.pods import UID
from conduit_generate.kubernetes.tree import HOME
from tests.kubernetes.manifests import ENVIRONMENTS, Resource, containers, named, of_kind, pods

VERSION = re.compile(r"^[\w./-]+:v?\d+\.\d+[\w.-]*$")


def everything() -> list[tuple[str, str]]:
    return [(environment, name) for environment in ENVIRONMENTS for name, _ in pods(environment)]


def pod_of(environment: str, name: str) -> Resource:
    return dict(pods(environment))[name]


each_pod = pytest.mark.parametrize(("environment", "name"), everything())


@each_pod
def test_a_pod_has_no_privileges(environment: str, name: str) -> None:
    template = pod_of(environment, name)
    pod = template["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert all("hostPath" not in volume for volume in pod["volumes"])
    for container in containers(template):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@each_pod
def test_an_image_has_a_version_and_not_the_latest(environment: str, name: str) -> None:
    for container in containers(pod_of(environment, name)):
        assert VERSION.match(container["image"]), container["image"]


@each_pod
def test_a_container_says_what_it_needs_and_has_a_limit(environment: str, name: str) -> None:
    for container in containers(pod_of(environment, name)):
        for part in ("requests", "limits"):
            assert container["resources"][part].keys() == {"cpu", "memory"}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_stays_is_probed_kept_apart_and_not_evicted_all_at_once(environment: str) -> None:
    budgets = [each["spec"] for each in of_kind(environment, "PodDisruptionBudget")]
    for deployment in of_kind(environment, "Deployment"):
        template = deployment["spec"]["template"]
        (container,) = containers(template)
        assert container.keys() >= {"startupProbe", "livenessProbe", "readinessProbe"}
        assert {each["topologyKey"] for each in template["spec"]["topologySpreadConstraints"]} == {
            "topology.kubernetes.io/zone",
            "kubernetes.io/hostname",
        }
        own = [each for each in budgets if each["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()]
        assert [each["maxUnavailable"] for each in own] == [1]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_given_longer_to_leave_than_it_takes(environment: str, service: str) -> None:
    pod = named(environment, "Deployment", service)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    # One after the other: consumer, requests, relay (conduit_chassis.app).
    drain = 3 * Settings.model_fields["drain_seconds"].default
    assert pod["terminationGracePeriodSeconds"] > drain + container["lifecycle"]["preStop"]["sleep"]["seconds"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("service", SERVICES)
def test_a_release_starts_a_pod_before_it_ends_one(environment: str, service: str) -> None:
    spec = named(environment, "Deployment", service)["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert "replicas" not in spec, "the number is KEDA's to say"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_mounts_its_own_secrets_and_nobody_elses(environment: str, service: str) -> None:
    text = str(named(environment, "Deployment", service)["spec"]["template"]["spec"]["volumes"])
    for other in SERVICES:
        assert (f"'service.{other}'" in text) == (other == service)
        assert (f"'postgres-{other}'" in text) == (other == service)
    assert ("webhook-secrets" in text) == (service == "notification")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_secret_that_is_mounted_comes_from_somewhere(environment: str) -> None:
    given = {each["metadata"]["name"] for each in of_kind(environment, "ExternalSecret", "KafkaUser")}
    cluster, postgres = of_kind(environment, "Kafka")[0], of_kind(environment, "Cluster")[0]
    given |= {f"{cluster['metadata']['name']}-cluster-ca-cert", f"{postgres['metadata']['name']}-ca"}
    wanted = set(re.findall(r"'(?:secretName|name)': '([\w.-]+)', '(?:items|defaultMode)'", str(pods(environment))))
    wanted |= set(re.findall(r"secretKeyRef': {'name': '([\w.-]+)'", str(pods(environment))))
    assert len(wanted) > 2 * len(SERVICES)
    assert wanted <= given


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_config_map_that_is_mounted_is_there(environment: str) -> None:
    there = {each["metadata"]["name"] for each in of_kind(environment, "ConfigMap")}
    assert set(re.findall(r"configMap': {'name': '([\w.-]+)'", str(pods(environment)))) == there - {"kafka-metrics"}


def test_the_user_is_that_of_the_image() -> None:
    assert f"--uid {UID} " in (HOME.parent / "Dockerfile").read_text()
