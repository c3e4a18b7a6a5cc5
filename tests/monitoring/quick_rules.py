"""The committed rules, with every time in them made shorter, so that a test sees in seconds what operators see in minutes.

Nothing else changes: names, labels, annotations and the shape of each expression stay. Shortened are

- `for`, by the factor;
- the range of each window (`[5m]`) and each `offset`, by the factor, but to no less than five scrapes, as a rate needs two;
- thresholds in seconds (`..._seconds{...} > 60`), by the factor, but to no less than `LEAST_SECONDS`, below which a healthy
  stack under load may be for a moment.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from conduit_local.demo.command import POLICY
from conduit_local.observability.configuration import RULES_DIR

FACTOR = 20
"""Twenty times shorter: a minute becomes three seconds."""
DUTY_CALL_SECONDS = 4
LEAST_WINDOW = 10
LEAST_SECONDS = 15
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WINDOW = re.compile(r"(\[|offset )(\d+)([smhd])")
_THRESHOLD = re.compile(r"(_seconds(?:\{[^}]*\})?\)? > )(\d+(?: \* 86400)?)(?!\.)")


def write(folder: Path, factor: int = FACTOR) -> list[Path]:
    """Write the shortened files into a folder and return where they are."""
    written = []
    for path in sorted(RULES_DIR.glob("*.yml")):
        document = yaml.safe_load(path.read_text())
        for group in document["groups"]:
            group["interval"] = "1s"
            for rule in group["rules"]:
                _shorten(rule, factor)
        written.append(folder / path.name)
        written[-1].write_text(yaml.safe_dump(document, sort_keys=False))
    return written


def policy(folder: Path) -> Path:
    """The demo's policy, by which somebody is at the hub at any hour and the next on duty is called after seconds."""
    text = POLICY.read_text()
    for pattern, quick in (
        (r"duty_call_seconds = \d+", f"duty_call_seconds = {DUTY_CALL_SECONDS}"),
        (r"days = \[.*\]", 'days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]'),
        (r"opens = .*", "opens = 00:00:00"),
        (r"closes = .*", "closes = 23:59:59"),
        (r"closed_on = \[.*\]", "closed_on = []"),
    ):
        text, found = re.subn(pattern, quick, text)
        assert found == 1, pattern
    (folder / "policy.toml").write_text(text)
    return folder / "policy.toml"


def _shorten(rule: dict[str, Any], factor: int) -> None:
    rule["expr"] = shortened(rule["expr"], factor)
    if "for" in rule:
        rule["for"] = f"{seconds(rule['for']) // factor}s"


def shortened(expression: str, factor: int) -> str:
    """The expression with shorter windows, offsets and thresholds in seconds."""
    expression = _WINDOW.sub(lambda found: f"{found[1]}{_window(found[2] + found[3], factor)}s", expression)
    return _THRESHOLD.sub(lambda found: f"{found[1]}{_threshold(found[2], factor)}", expression)


def seconds(duration: str) -> int:
    """A duration of Prometheus, in one unit, in seconds."""
    return int(duration[:-1]) * _UNITS[duration[-1]]


def _window(duration: str, factor: int) -> int:
    return max(LEAST_WINDOW, seconds(duration) // factor)


def _threshold(figure: str, factor: int) -> int:
    number, _, days = figure.partition(" * ")
    limit = int(number) * (int(days) if days else 1)
    return max(LEAST_SECONDS, limit // factor) if limit else 0
