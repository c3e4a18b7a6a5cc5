"""Writes the dashboards into `deploy/grafana/dashboards`, and checks that they are what the code gives."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DashboardLinkType, VariableRefresh

from conduit_generate.dashboards import console, handoffs, kafka, national, partners, postgres, service
from conduit_generate.dashboards.panels import DATASOURCE, Dashboard, Variable, made
from conduit_generate.generated import command

HOME = Path(__file__).parents[4] / "grafana" / "dashboards"
DASHBOARDS = (
    national.DASHBOARD,
    handoffs.DASHBOARD,
    console.DASHBOARD,
    partners.DASHBOARD,
    service.DASHBOARD,
    kafka.DASHBOARD,
    postgres.DASHBOARD,
)
TAG = "conduit"


def text_of(dashboard: Dashboard) -> str:
    """The JSON of a dashboard, as Grafana reads it from a file."""
    builder = (
        build.Dashboard(dashboard.title)
        .uid(dashboard.uid)
        .description(dashboard.description)
        .tags([TAG])
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .refresh("10s")
        .time("now-1h", "now")
        .readonly()
        .link(
            build.DashboardLink("The conduit")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .keep_time(True)
        )
        .with_variable(build.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for variable in dashboard.variables:
        builder = builder.with_variable(_choice(variable))
    identities = count(1)
    for heading, panels in dashboard.rows.items():
        builder = builder.with_row(build.Row(heading).id(next(identities)))
        for panel in panels:
            builder = builder.with_panel(made(panel).id(next(identities)))
    return JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False).encode(builder.build()) + "\n"


def _choice(variable: Variable) -> build.QueryVariable:
    return (
        build.QueryVariable(variable.name)
        .label(variable.label)
        .datasource(DATASOURCE)
        .query(f"label_values({variable.metric}, {variable.name})")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    )


def expected() -> dict[str, str]:
    """The text of every dashboard by its file's name."""
    return {f"{dashboard.uid}.json": text_of(dashboard) for dashboard in DASHBOARDS}


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 where all is well, 1 where the check found something."""
    return command("dashboards", HOME, expected, arguments)
