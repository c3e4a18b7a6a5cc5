"""What a dashboard is made of, and how the SDK is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from grafana_foundation_sdk.builders import common, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    TooltipDisplayMode,
)

DATASOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
FINE, LOOK, ACT = "#56B4E9", "#E69F00", "#D55E00"
"""Blue, orange and vermilion of Okabe and Ito's palette, which colour-blind people can tell apart."""


class Shape(Enum):
    """How a panel shows its queries."""

    NUMBER = "number"
    """The value now, large, with its course behind it."""
    COURSE = "course"
    """Lines over time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From which value on somebody should look, and from which on somebody must act."""

    look: float | None = None
    act: float | None = None
    below: bool = False
    """The limits are floors: what is lower is worse."""

    def words(self, unit: str) -> str:
        """For a panel's description."""
        side = "below" if self.below else "from"
        given = [("look", self.look), ("act", self.act)]
        told = "; ".join(f"{word} {side} {_shown(value, unit)}" for word, value in given if value is not None)
        return f"Limits: {told}." if told else "No limit: compare with the usual."


def _shown(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{100 * value:g} %"
    if unit == "s" and value >= 3600:
        return f"{value / 3600:g} h"
    return f"{value / 2**20:g} MiB" if unit == "bytes" else f"{value:,g} s" if unit == "s" else f"{value:,.15g}"


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `queries` are PromQL by legend; `advice` is what to do when it looks bad."""

    title: str
    advice: str
    queries: Mapping[str, str]
    unit: str = "short"
    limits: Limits = field(default_factory=Limits)
    shape: Shape = Shape.COURSE
    width: int = 8
    """Of 24 columns."""
    none: str | None = None
    """What a number of zero is called, where zero is the only good one."""

    @property
    def description(self) -> str:
        """What Grafana shows behind the panel's i."""
        return f"{self.advice} {self.limits.words(self.unit)}"


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of a dashboard: the values of a label of a metric."""

    name: str
    label: str
    metric: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard: rows of panels by their heading. `uid` is its address, and its file's name."""

    uid: str
    title: str
    description: str
    rows: Mapping[str, Sequence[Panel]]
    variables: Sequence[Variable] = ()

    @property
    def panels(self) -> list[Panel]:
        """All panels, in order."""
        return [panel for panels in self.rows.values() for panel in panels]


def number(title: str, advice: str, query: str, unit: str = "short", **more: object) -> Panel:
    """A panel of one number."""
    return Panel(title, advice, {title: query}, unit, shape=Shape.NUMBER, **{"width": 4, **more})  # type: ignore[arg-type]


def within(share: float, histogram: str, where: str = "", *by: str) -> str:
    """PromQL: within how long this share of the histogram's events were done."""
    rates = f"rate({histogram}_bucket{{{where}}}[$__rate_interval])"
    return f"histogram_quantile({share:g}, sum by ({', '.join([*by, 'le'])}) ({rates}))"


def made(panel: Panel) -> stat.Panel | timeseries.Panel:
    """The SDK's builder of a panel."""
    builder = _number(panel) if panel.shape is Shape.NUMBER else _course(panel)
    builder = builder.title(panel.title).description(panel.description).datasource(DATASOURCE).unit(panel.unit)
    builder = builder.span(panel.width).height(5 if panel.shape is Shape.NUMBER else 8).thresholds(_thresholds(panel.limits))
    for place, (legend, expression) in enumerate(panel.queries.items()):
        query = Dataquery().expr(expression).legend_format(legend).ref_id(chr(ord("A") + place)).datasource(DATASOURCE)
        builder = builder.with_target(query.instant() if panel.shape is Shape.NUMBER else query.range())
    return builder


def _number(panel: Panel) -> stat.Panel:
    """Numbers have no line to cross, so a word says what the colour says."""
    return (
        stat.Panel()
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .text_mode(BigValueTextMode.VALUE_AND_NAME if len(panel.queries) > 1 else BigValueTextMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .mappings(_words(panel))
        .no_value("no data: is it scraped?")
    )


def _words(panel: Panel) -> list[models.ValueMapping]:
    if panel.none is None:
        return []
    return [models.ValueMap(options={"0": models.ValueMappingResult(text=f"✓ {panel.none}", index=0)})]


def _course(panel: Panel) -> timeseries.Panel:
    limited = panel.limits.look is not None or panel.limits.act is not None
    style = GraphThresholdsStyleMode.DASHED if limited else GraphThresholdsStyleMode.OFF
    legend = (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.TABLE)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
    )
    return (
        timeseries.Panel()
        .legend(legend)
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        .line_width(2)
        .fill_opacity(5)
        .axis_soft_min(0)
        .thresholds_style(common.GraphThresholdsStyleConfig().mode(style))
    )


def _thresholds(limits: Limits) -> build.ThresholdsConfig:
    steps = [(limits.look, LOOK), (limits.act, ACT)]
    given = sorted((value, colour) for value, colour in steps if value is not None)
    colours = [FINE, *(colour for _, colour in given)]
    if limits.below:
        colours = [*(colour for _, colour in given), FINE]
    values = [None, *(value for value, _ in given)]
    pairs = zip(values, colours, strict=True)
    made_of = [models.Threshold(value=value, color=colour) for value, colour in pairs]
    return build.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(made_of)
