"""Tables on narrow terminals: no id, number, state or time is cut, and what somebody wrote is shown as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

from conduit_operate.cli import app
from conduit_operate.commands import lag
from conduit_operate.commands.tables import fitting, table
from conduit_operate.lag import Waiting
from deploy.operate.tests.rows import REFERRAL

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT")
LONG = "NL-2026-" + "0123456789" * 4
# At each width, status waits for servers that are not there.
WAITING = pytest.param(("status",), marks=pytest.mark.long)
COMMANDS = [("handoffs",), ("reviews",), ("notices",), ("trace", LONG), WAITING, ("reconcile", "--stores")]


@pytest.fixture
def long_reference(filled: dict[str, str]) -> None:
    with psycopg.connect(filled["intake"], autocommit=True) as connection:
        connection.execute("UPDATE referrals SET partner_reference = %s", [LONG])
        connection.execute(
            "INSERT INTO history (referral_id, at, actor, what, why, event_id, partner_id, partner_reference, submission_id,"
            " kind) VALUES (%s, now(), 'partner:[b]northlight[/b]', 'repeated', '', 'e9', 'northlight', %s, 'sub-9',"
            " 'referral')",
            [REFERRAL, LONG],
        )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_word_and_number_for_programs_stands_whole_on_the_terminal(
    long_reference: None, tmp_path: Path, command: tuple[str, ...]
) -> None:
    arguments = [*command, "--state-dir", str(tmp_path)]
    found = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    wanted = {word for text in leaves(found) for word in text.split()}
    assert wanted
    for width in (60, 80, 120, 200):
        terminal = {"COLUMNS": str(width), "FORCE_COLOR": "1"}
        shown = ESCAPES.sub("", CliRunner().invoke(app, arguments, env=terminal).stdout)
        assert {word for word in wanted if word not in shown} == set(), shown
        assert "…" not in shown


def leaves(found: Any, name: str = "") -> Iterator[str]:
    """What a person must find as well; figures that are shown in another form have tests of their own."""
    if isinstance(found, dict):
        for key, value in found.items():
            yield from leaves(value, key)
    elif isinstance(found, list):
        for value in found:
            yield from leaves(value, name)
    elif isinstance(found, str) and not TIME.match(found) and name not in ("why", "not_asked"):
        yield found
    elif isinstance(found, int) and not isinstance(found, bool) and name != "work" and found:
        yield str(found)


def drawn(what: Table | Text, width: int) -> list[str]:
    console = Console(width=width, force_terminal=True, color_system=None, markup=False)
    with console.capture() as captured:
        console.print(what, soft_wrap=True)
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [40, 60, 80])
def test_lag_shows_whole_topics_and_numbers(width: int) -> None:
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    topics = ["partner.a-partner-with-a-long-name.referrals.v1", "force.west-midlands.responses.v1"]
    found = {"notification": [Waiting(topic, 1_234_567, datetime(2026, 11, 30, tzinfo=UTC)) for topic in topics]}
    said = "\n".join(drawn(fitting(lag._table(found, now), width), width))
    for text in (*topics, "1234567", "43200 s", "notification"):
        assert text in said


def test_a_table_is_as_wide_as_the_terminal_at_most_where_it_can_be() -> None:
    for width in range(30, 120):
        shown = table("referral", "who", "about")
        shown.add_row("0193b3f0", "force:kent and force:essex", "chased 0 times, level 0, no step left")
        lines = drawn(fitting(shown, width), width)
        if lines[0].startswith("referral"):
            assert lines[0].split() == ["referral", "0193b3f0"]
            assert width < 45
        else:
            assert max(map(len, lines)) <= width


def test_what_looks_like_markup_is_shown_as_it_was_written(long_reference: None, tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["trace", LONG, "--state-dir", str(tmp_path)], env={"COLUMNS": "200"})
    assert "partner:[b]northlight[/b]" in shown.output
