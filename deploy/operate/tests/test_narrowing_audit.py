"""Where an attempt to narrow a topic meant the new one to begin is known until one comes to its end."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from conduit_operate.audit import By, audited
from conduit_operate.broker import local_broker
from conduit_operate.narrowing import COMMAND, Narrowing, _cut_short

BY = By("an.operator", "an older release made it")
PLAN = Narrowing("partner.northlight.referrals.v1", 3, (), (), None)


def test_a_second_attempt_that_is_cut_short_before_it_makes_anything_does_not_forget_the_first_ones_place(
    tmp_path: Path,
) -> None:
    broker = local_broker(tmp_path, "127.0.0.1:1", secured=False)

    def attempt(steps: list[tuple[str, ...]], *, whole: bool = True) -> int | None:
        with suppress(KeyboardInterrupt), audited(tmp_path, BY, COMMAND, PLAN.subject, steps):
            if not whole:
                raise KeyboardInterrupt
        return _cut_short(broker, "northlight")

    assert attempt(PLAN.closing) is None
    assert attempt(PLAN.making(7), whole=False) == 7
    assert attempt(PLAN.closing) == 7
    assert attempt(PLAN.making(7)) is None
