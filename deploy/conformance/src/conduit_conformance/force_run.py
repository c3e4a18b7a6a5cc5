"""Runs the script against a force's connector: step by step, each until the connector has come through."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from conduit_conformance.force_judge import ABOUT, ForceJudge
from conduit_conformance.force_script import Step, script
from conduit_conformance.subject import Subject
from conduit_conformance.verdict import Checks, Verdict
from conduit_conformance.wire import Ear, Mouth
from conduit_contracts.topics import FORCE_CASES, FORCE_RESPONSES
from conduit_operate.broker import Broker

TICK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what, in seconds."""

    attach: float = 60.0
    """For the first receipt: somebody may have to start the connector."""
    receipt: float = 15.0
    answer: float = 30.0
    quiet: float = 3.0
    """After everything: what comes twice comes late."""
    kill: tuple[float, float] = (0.02, 0.3)
    """Some time between these after the cases were sent: any moment of a connector's work will do."""


def run_force(
    broker: Broker, force_id: str, subject: Subject, patience: Patience, tell: Callable[[str], None] = lambda _: None
) -> Verdict:
    """Raises ChildError where the connector's command cannot be run, and TimeoutError where the broker is silent."""
    return _Run(broker, force_id, subject, patience, tell).verdict()


class _Run:
    def __init__(
        self, broker: Broker, force_id: str, subject: Subject, patience: Patience, tell: Callable[[str], None]
    ) -> None:
        self._force_id, self._subject, self._patience, self._tell = force_id, subject, patience, tell
        self._mouth = Mouth(broker, FORCE_CASES.name(force_id))
        self._ear = Ear(broker, FORCE_RESPONSES.name(force_id))
        self._checks = Checks(ABOUT)
        self._judge = ForceJudge(force_id, self._checks)
        self._note = ""
        if not subject.is_ours:
            self._checks.drop("crash")

    def verdict(self) -> Verdict:
        began = time.monotonic()
        try:
            self._subject.start()
            self._play()
            self._wait(self._patience.answer, lambda: not self._judge.unanswered())
            self._wait(self._patience.quiet, lambda: False)
        finally:
            self._ear.close()
        self._judge.conclude(self._patience.answer)
        return Verdict("force", self._force_id, self._checks.all(), time.monotonic() - began, self._note)

    def _play(self) -> None:
        for number, step in enumerate(script(self._force_id, crash=self._subject.is_ours)):
            self._tell(f"now: {step.about}")
            self._judge.expect(step)
            self._send(step)
            seconds = self._patience.receipt if number else max(self._patience.attach, self._patience.receipt)
            if not self._comes_through(step, seconds):
                self._judge.stopped_at(step, seconds, self._ending())
                if not self._goes_on_after_a_start(step):
                    self._note = f"Nothing was sent after {step.about}: the connector has stopped there.{self._last_words()}"
                    return
            self._judge.came_through(step)

    def _send(self, step: Step) -> None:
        self._mouth.say(*step.records)
        if step.crash:
            time.sleep(random.uniform(*self._patience.kill))  # noqa: S311  no secret
            self._subject.kill()
            self._mouth.say(*step.afterwards)
            self._subject.start()

    def _comes_through(self, step: Step, seconds: float) -> bool:
        return self._wait(seconds, lambda: not self._judge.missing(step) or self._subject.has_ended) and not (
            self._judge.missing(step)
        )

    def _goes_on_after_a_start(self, step: Step) -> bool:
        """Whoever runs it may start it again when it has ended: then the rest can be tried."""
        if not self._subject.has_ended:
            return False
        self._subject.start()
        return self._comes_through(step, self._patience.receipt)

    def _wait(self, seconds: float, enough: Callable[[], bool]) -> bool:
        """Take in what comes until it is enough; False when time is up."""
        deadline = time.monotonic() + seconds
        while not enough():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            seen = self._ear.hear(min(left, TICK_SECONDS))
            if seen is not None:
                self._judge.take(seen)
        return True

    def _ending(self) -> str:
        return f"with code {self._subject.exit_code}" if self._subject.has_ended else ""

    def _last_words(self) -> str:
        return f" Its last words:\n{self._subject.tail()}" if self._subject.is_ours else ""
