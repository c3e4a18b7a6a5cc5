"""What `conduit up` and the demo show: readable on a terminal of 80 columns, and true."""

from __future__ import annotations

import asyncio
import io
import re
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from conduit_chassis.clamd import Clamd
from conduit_local import scanner
from conduit_local.demo.observations import Outcome
from conduit_local.demo.report import table
from conduit_local.demo.result import Row as DemoRow
from conduit_local.demo.samples import load_partners, load_samples
from conduit_local.greeting import greeting, partners
from conduit_local.ports import LOOPBACK, free_port
from conduit_local.rows import Row
from conduit_local.stack import Stack
from conduit_local.up import render
from conduit_operate.env_file import env_text, parse_env
from conduit_operate.http_clients import move_clients

TODAY = date(2026, 11, 29)


def shown(what: RenderableType, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(what)
    file = console.file
    assert isinstance(file, io.StringIO)
    assert all(len(line) <= width for line in file.getvalue().splitlines())
    return file.getvalue()


@pytest.mark.parametrize("width", [60, 80])
def test_the_table_of_what_runs_has_every_address_whole(width: int) -> None:
    rows = [
        Row("kafka", "ready", 4_194_303, "127.0.0.1:31999", Path("/somewhere/far/away/logs/kafka.log")),
        Row("notification-12", "ended (137)", 4_194_303, "http://127.0.0.1:31998", Path("/somewhere/far/away/logs/n.log")),
    ]
    said = shown(render(rows, width), width)
    for text in ("127.0.0.1:31999", "http://127.0.0.1:31998", "notification-12", "ended (137)", "4194303"):
        assert text in said
    assert "…" not in said


@pytest.mark.parametrize("width", [80, 100, 120, 149, 150, 200])
def test_the_demos_table_cuts_no_word(width: int) -> None:
    samples = load_samples()
    outcome = Outcome(declined_by="a.okafor", home="west-midlands", state="information_requested")
    said = shown(table([DemoRow(sample, outcome, []) for sample in samples], width), width)
    assert "…" not in said
    words = set(re.findall(r"\w+", said))
    assert {word for sample in samples for word in re.findall(r"\w+", sample.name)} <= words
    assert {"declined", "okafor", "midlands", "information", "requested"} <= words


def test_it_is_said_which_partners_may_send_no_new_referral_and_why() -> None:
    said = partners(load_partners(), TODAY)
    assert said == "northlight, harbour-trust, open-door, lanterns (its MoU has lapsed), stillwater (suspended)"


def test_the_greeting_says_where_everything_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Stack(tmp_path / ".conduit")
    monkeypatch.setattr(stack, "url", lambda _name: "http://127.0.0.1:20000")
    said = "\n".join(greeting(stack))
    for text in ("/clients/", "/env", "/mail/", "/logs/", ":20000/docs", ":20000/duty/", "docs/attach.md"):
        assert text in said


def test_a_credential_file_names_where_intake_answers_now_and_keeps_its_secret(tmp_path: Path) -> None:
    before = {"CONDUIT_URL": "http://127.0.0.1:20000", "CONDUIT_CLIENT_ID": "northlight", "CONDUIT_CLIENT_SECRET": "a b'c"}
    for name in ("northlight", "essex.force"):
        (tmp_path / f"{name}.env").write_text(env_text(before))
    move_clients(tmp_path, "http://127.0.0.1:20001")
    for path in tmp_path.glob("*.env"):
        assert parse_env(path.read_text()) == {**before, "CONDUIT_URL": "http://127.0.0.1:20001"}
        assert path.stat().st_mode & 0o777 == 0o600


async def test_the_stand_in_for_a_scanner_finds_the_test_file_and_nothing_else() -> None:
    port = free_port()
    async with await asyncio.start_server(scanner.scan, LOOPBACK, port):
        clamd = Clamd(LOOPBACK, port, 10)
        assert await clamd.finds_threat(scanner.EICAR) is True
        assert await clamd.finds_threat(b"x" * 1_000_000) is False
