"""Reading works once a broker has answered a fetch, and no longer where none has for a while. A poll alone says nothing."""

from types import SimpleNamespace
from typing import Any

import pytest

from conduit_chassis.consumer import readiness
from conduit_chassis.consumer.readiness import SETTLED_SECONDS, SILENT_SECONDS, Readiness
from conduit_chassis.health import Health


class Scene:
    """A consumer, and a clock that stands still."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(readiness, "monotonic", lambda: self.now)
        self.health = Health(stall_seconds=0.0, now=lambda: self.now)
        self.health.started("database")
        self.readiness = Readiness(self.health)
        self.partitions = ["t/0"]
        self.answered_at: float | None = None

    def after(self, seconds: float, *, answered: bool = False, brought: bool = False) -> list[str]:
        """Why it is not ready once a poll ended so many seconds later."""
        self.now += seconds
        if answered:
            self.answered_at = self.now
        consumer: Any = SimpleNamespace(
            fetching=SimpleNamespace(answered_at=self.answered_at), assignment=lambda: self.partitions
        )
        self.readiness.polled(consumer, brought=brought)
        return self.health.not_ready()


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def test_it_is_ready_at_the_first_answer_and_not_because_partitions_came(scene: Scene) -> None:
    scene.readiness.assigned()
    assert scene.after(1) == ["starting: consumer"]
    assert scene.after(1, answered=True) == []


def test_an_answer_without_records_is_one(scene: Scene) -> None:
    scene.after(0, answered=True)
    for _ in range(20):
        assert scene.after(1, answered=True) == []


def test_without_an_answer_for_a_while_it_is_not_ready_until_the_next_one(scene: Scene) -> None:
    scene.after(0, answered=True)
    assert scene.after(SILENT_SECONDS - 1) == []
    assert scene.after(2) == ["failing: fetch: no answer"]
    assert scene.after(1, answered=True) == []


def test_while_partitions_move_it_is_not_ready(scene: Scene) -> None:
    scene.after(0, answered=True)
    scene.readiness.revoked()
    assert scene.after(1) == ["failing: rebalance: waiting for partitions"]
    scene.readiness.assigned()
    assert scene.after(1) == []


def test_after_a_failed_poll_only_a_later_answer_says_that_reading_works(scene: Scene) -> None:
    scene.after(0, answered=True)
    scene.readiness.failed(ConnectionError())
    assert scene.after(SETTLED_SECONDS + 1) == ["failing: fetch: ConnectionError"]
    assert scene.after(1, answered=True) == []


def test_a_process_without_partitions_is_ready_soon_and_stays_so(scene: Scene) -> None:
    scene.partitions = []
    scene.readiness.assigned()
    assert scene.after(1) == ["starting: consumer"]
    assert scene.after(SETTLED_SECONDS) == []
    assert scene.after(SILENT_SECONDS * 3) == []
