"""What ends by itself is started again, after pauses that grow; what somebody asks for is started at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conduit_local import restarts
from conduit_local.children import Child
from conduit_local.keeper import LONGEST_PAUSE, WELL_SECONDS, Keeper, Part, pause
from conduit_operate.polling import wait_until


class Kept:
    """One real process under a keeper, with a clock that is set by hand."""

    def __init__(self, state_dir: Path, *command: str) -> None:
        self.child = Child("triage", command, state_dir=state_dir)
        self.told: list[str] = []
        self.asked: list[str] = []
        self.time = 1000.0
        part = Part("triage", lambda: self.child, self.child.start)
        self.keeper = Keeper(lambda: [part], state_dir, self.asked.append, self.told.append, lambda: self.time)

    def look(self, after: float = 0.0) -> None:
        self.time += after
        self.keeper.look()

    def has_ended(self) -> None:
        wait_until(lambda: not self.child.alive, "it still runs", 20, lambda: None)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path, sys.executable, "-c", "import time; time.sleep(600)")
    kept.child.start()
    yield kept
    kept.child.kill()


@pytest.fixture
def fails(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path, sys.executable, "-c", "raise SystemExit(3)")
    kept.child.start()
    yield kept
    kept.child.kill()


def test_a_killed_process_is_started_again_after_a_second_and_both_is_said(runs: Kept) -> None:
    runs.look()
    first = runs.child.pid
    runs.child.kill()
    runs.look()
    runs.look(after=0.5)
    assert not runs.child.alive
    runs.look(after=0.6)
    assert runs.child.alive
    assert runs.child.pid != first
    assert runs.told == [
        f"triage ended (137) and is started again in 1 s; its log is {runs.child.log_path}",
        "triage was started again",
    ]


def test_what_ends_again_and_again_is_started_ever_later(fails: Kept) -> None:
    for _ in range(4):
        fails.has_ended()
        fails.look()
        fails.look(after=LONGEST_PAUSE)
    said = [text.split(";")[0] for text in fails.told if "ended" in text]
    assert said == [f"triage ended (3) and is started again in {seconds} s" for seconds in (1, 2, 4, 8)]


def test_a_process_that_has_run_well_for_a_minute_is_started_soon_when_it_ends(runs: Kept) -> None:
    for _ in range(3):
        runs.child.kill()
        runs.look()
        runs.look(after=LONGEST_PAUSE)
    runs.look(after=WELL_SECONDS)
    runs.child.kill()
    runs.look()
    assert "in 1 s" in runs.told[-1]


def test_a_command_that_cannot_be_run_is_said_and_tried_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "/nowhere/service")
    kept.child = Child("triage", [sys.executable, "-c", ""], state_dir=tmp_path)
    kept.child.start()
    kept.has_ended()
    kept.child.command = ["/nowhere/service"]
    part = Part("triage", lambda: kept.child, kept.child.start)
    kept.keeper = Keeper(lambda: [part], tmp_path, kept.asked.append, kept.told.append, lambda: kept.time)
    kept.look()
    kept.look(after=1)
    kept.look()
    assert [text.partition(";")[0].partition(":")[0] for text in kept.told] == [
        "triage ended (0) and is started again in 1 s",
        "triage did not start",
        "triage ended (127) and is started again in 2 s",
    ]


def test_an_order_to_restart_is_carried_out_once_and_is_gone_then(runs: Kept, tmp_path: Path) -> None:
    restarts.order(tmp_path, "routing")
    restarts.order(tmp_path, "routing")
    runs.look()
    runs.look()
    assert runs.asked == ["routing"]
    assert not restarts.waits(tmp_path, "routing")


def test_orders_from_before_the_stack_started_are_forgotten(tmp_path: Path) -> None:
    restarts.order(tmp_path, "routing")
    Kept(tmp_path, sys.executable).look()
    assert not restarts.waits(tmp_path, "routing")


def test_a_pause_never_exceeds_a_minute() -> None:
    assert [pause(starts) for starts in (0, 1, 5, 6, 10_000)] == [1.0, 2.0, 32.0, 60.0, 60.0]
