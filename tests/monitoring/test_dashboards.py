"""Grafana's dashboards: committed as the code writes them, sound, and every query has data from a watched stack."""

from __future__ import annotations

import json
import math
from pathlib import Path

import httpx
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard as Model
from prometheus_client import REGISTRY

import conduit_chassis.metrics  # noqa: F401  declares the chassis' metrics
from conduit_generate.dashboards.command import DASHBOARDS, HOME, expected, main
from conduit_generate.dashboards.panels import Dashboard, Panel, Shape
from conduit_generate.generated import differing, write
from tests.monitoring.expressions import FILLED, filled, metrics_of
from tests.monitoring.watched import Watched

PANELS = [(dashboard, panel) for dashboard in DASHBOARDS for panel in dashboard.panels]
OF_SERVICES = {"intake", "triage", "routing", "notification", "console", "programme"}

dashboards = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
panels = pytest.mark.parametrize(
    "panel", [panel for _, panel in PANELS], ids=[f"{dashboard.uid}: {panel.title}" for dashboard, panel in PANELS]
)


def test_what_is_committed_is_what_the_code_gives() -> None:
    assert differing(HOME, expected()) == []


def test_a_changed_a_missing_and_an_unknown_file_are_found_and_mended(tmp_path: Path) -> None:
    assert write(tmp_path, expected()) == len(DASHBOARDS)
    (tmp_path / "conduit-kafka.json").write_text("{}")
    (tmp_path / "conduit-service.json").unlink()
    (tmp_path / "old.json").write_text("{}")
    arguments = ["--home", str(tmp_path)]
    assert main(["check", *arguments]) == 1
    assert differing(tmp_path, expected()) == ["conduit-kafka.json", "conduit-service.json", "old.json"]
    assert main(["write", *arguments]) == 0


@dashboards
def test_a_committed_dashboard_is_one_of_the_sdks(dashboard: Dashboard) -> None:
    """Read by Grafana's own model and written again, nothing is lost: there is no field that Grafana does not know."""
    text = (HOME / f"{dashboard.uid}.json").read_text(encoding="utf-8")
    again = json.loads(JSONEncoder(sort_keys=True).encode(Model.from_json(json.loads(text))))
    assert again == json.loads(text)


@dashboards
def test_ids_are_distinct_and_no_panel_lies_on_another(dashboard: Dashboard) -> None:
    made = json.loads((HOME / f"{dashboard.uid}.json").read_text(encoding="utf-8"))["panels"]
    assert len({panel["id"] for panel in made}) == len(made)
    taken = [cell for panel in made for cell in _cells(panel["gridPos"])]
    assert len(taken) == len(set(taken))
    assert all(0 <= column < 24 for column, _ in taken)


def _cells(place: dict[str, int]) -> list[tuple[int, int]]:
    columns, lines = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
    return [(column, line) for column in columns for line in lines]


@panels
def test_a_panel_says_what_it_shows_and_what_to_do(panel: Panel) -> None:
    assert panel.title
    assert panel.unit
    assert panel.queries
    assert len(panel.advice.split()) >= 8
    assert panel.advice.endswith(".")


@panels
def test_colour_is_never_the_only_sign(panel: Panel) -> None:
    limits = panel.limits
    assert (limits.look is None and limits.act is None) == ("No limit" in panel.description)
    if panel.shape is Shape.NUMBER:
        assert len(panel.queries) == 1
    if limits.look is not None and limits.act is not None:
        assert (limits.look > limits.act) is limits.below


@panels
def test_no_query_and_no_legend_names_a_partner_a_force_or_a_person(panel: Panel) -> None:
    text = " ".join([*panel.queries, *panel.queries.values()])
    assert not any(label in text for label in ("partner_id=", "force_id=", "{{partner", "{{force", "referral_id"))


def test_the_metrics_of_an_expression_are_found() -> None:
    expression = (
        'sum by (le) (rate(a_bucket{le="5.0",b=~"c d"}[$__range])) / (x:y:z or label_replace(vector(0), "q", "r", "", ""))'
    )
    assert metrics_of(expression) == {"a_bucket", "x:y:z"}


def test_provisioning_finds_the_datasource_and_the_dashboards() -> None:
    folder = HOME.parent / "provisioning"
    source = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())["datasources"][0]
    provider = yaml.safe_load((folder / "dashboards" / "conduit.yml").read_text())["providers"][0]
    compose = yaml.safe_load((HOME.parents[2] / "docker-compose.yml").read_text())["services"]
    mounts = dict(each.removesuffix(":ro").split(":") for each in compose["grafana"]["volumes"] if each.endswith(":ro"))
    assert source["type"] == "prometheus"
    assert source["isDefault"] is True
    assert mounts["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
    assert mounts["./deploy/grafana/dashboards"] == provider["options"]["path"]


@dashboards
def test_every_query_reads_only_metrics_that_exist(watched: Watched, dashboard: Dashboard) -> None:
    read = {name for panel in dashboard.panels for query in panel.queries.values() for name in metrics_of(query)}
    assert read
    there = {sample.labels["__name__"] for sample in watched.watch.query('group by (__name__) ({__name__!=""})')}
    missing = read - there
    assert missing <= BORN_WITH_A_FAILURE
    declared = {f"{family.name}_total" for family in REGISTRY.collect() if family.type == "counter"}
    assert missing <= declared


BORN_WITH_A_FAILURE = {
    "conduit_retries_total",
    "conduit_fetch_errors_total",
    "conduit_offset_commit_failures_total",
    "conduit_worker_failures_total",
    "conduit_relay_errors_total",
}
"""Their label is the class of an error, so a good run has no series. The chassis declares them all the same."""


VISITS = {
    "intake": "/v1/referrals",
    **dict.fromkeys(("triage", "routing", "notification", "console", "programme"), "/nothing"),
}
MOST_LOADS = 4


@pytest.fixture(scope="module")
def visited(watched: Watched) -> Watched:
    """The watched stack, after somebody without credentials asked each service for something, before a scrape and after."""
    for _ in range(2):
        for service, path in VISITS.items():
            assert httpx.get(f"{watched.stack.url(service)}{path}", trust_env=False).status_code in {401, 403, 404}
        watched.seen()
    return watched


NOBODY_DECIDES_HERE = frozenset(
    f'{metric}{{service="console"}}' for metric in ("conduit_relay_delay_seconds_bucket", "conduit_relayed_events_total")
)
"""The console publishes what officers decide on its pages, and on this stack nobody sits at them."""
FOLLOWS_REGISTERS = 'service="programme"'
"""Its records are those of the registers, which no load changes: it has no rates, and publishes nothing."""


def empty(dashboard: Dashboard, watched: Watched) -> list[str]:
    """The queries that have no figure."""
    asked = {
        f"{panel.title} / {legend}: {expression}": expression
        for panel, legend, expression in filled(dashboard, watched.watch)
        if not any(unfilled in expression for unfilled in (*NOBODY_DECIDES_HERE, FOLLOWS_REGISTERS))
    }
    return [
        name for name, expression in asked.items() if all(math.isnan(row.value) for row in watched.watch.query(expression))
    ]


@dashboards
def test_every_query_of_every_panel_has_data_under_load(visited: Watched, dashboard: Dashboard) -> None:
    """A rate is of what grew between two scrapes, and a load may pass between two of them: then another is sent."""
    for load in range(MOST_LOADS):
        if not empty(dashboard, visited):
            break
        visited.load(f"{dashboard.uid.upper()}-{load}")
        visited.seen()
    assert empty(dashboard, visited) == []


def test_the_choice_of_a_service_offers_all_of_them(watched: Watched) -> None:
    service = next(dashboard for dashboard in DASHBOARDS if dashboard.variables and dashboard.uid == "conduit-service")
    asked = {expression for _, _, expression in filled(service, watched.watch)}
    assert all(any(f'service="{name}"' in expression for expression in asked) for name in OF_SERVICES)
    assert not any(name in expression for expression in asked for name in (*FILLED, "$service"))
