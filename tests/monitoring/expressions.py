"""PromQL as the dashboards have it: with its variables filled, and the metrics that it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from conduit_generate.dashboards.panels import Dashboard, Panel
from conduit_local.observability.observed import Observed

FILLED = {"$__rate_interval": "30m", "$__range": "30m"}
"""What Grafana puts in their place, for a stack that was loaded within the last half hour."""
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_SELECTOR = re.compile(r"\{[^}]*\}")
_RANGE = re.compile(r"\[[^]]*\]")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\(|[a-zA-Z0-9_:])")
_KEYWORDS = {"or", "and", "unless", "offset", "bool", "inf", "nan"}


def metrics_of(expression: str) -> set[str]:
    """The metrics that an expression reads: names that are no function, keyword or label."""
    bare = expression
    for pattern in (_TEXT, _GROUPING, _SELECTOR, _RANGE):
        bare = pattern.sub(" ", bare)
    return {name for name in _NAME.findall(bare) if name.lower() not in _KEYWORDS}


def filled(dashboard: Dashboard, watch: Observed) -> Iterator[tuple[Panel, str, str]]:
    """Every query of every panel with its legend, once for each value that its variables may have."""
    choices = [
        [(f"${variable.name}", value) for value in values_of(watch, variable.metric, variable.name)]
        for variable in dashboard.variables
    ]
    for panel in dashboard.panels:
        for legend, expression in panel.queries.items():
            used = [each for each in choices if each[0][0] in expression]
            for chosen in product(*used):
                yield panel, legend, fill(expression, {**FILLED, **dict(chosen)})


def fill(expression: str, values: dict[str, str]) -> str:
    """The expression as Grafana sends it."""
    for name, value in values.items():
        expression = expression.replace(name, value)
    return expression


def values_of(watch: Observed, metric: str, label: str) -> list[str]:
    """What a variable offers, as `label_values` finds it."""
    return sorted({sample.labels[label] for sample in watch.query(f"group by ({label}) ({metric})")})
