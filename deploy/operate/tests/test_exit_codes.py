"""What is not there has exit code 3, and what can never be done 2: a script tells them from a stack that cannot be asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from conduit_contracts.programme import Contact, ForceRegistered, PartnerRegistered
from conduit_operate import onboarding
from conduit_operate.onboarding import OnboardingError, UnknownError
from conduit_operate.plans import Standing

Conduit = Callable[..., Result]
NOBODY = "0193b3f0-0000-7000-8000-0000000000ff"
MOU = ("partner", "onboard", "northlight", "--name", "Northlight", "--mou", "M-1")


@pytest.mark.parametrize(
    "command",
    [
        ("partner", "suspend", "Bad Id"),
        ("partner", "resume", "Bad Id"),
        ("partner", "offboard", "Bad Id"),
        ("partner", "rotate", "Bad Id"),
        ("force", "rotate", "Bad Id"),
        ("force", "onboard", "Bad Id"),
        ("topics", "narrow", "Bad Id"),
        ("trace", ""),
        ("hub", "propose", "--contact", "bad"),
        ("hub", "propose", "--contact", "a@hub.example,+441234567890"),
        ("hub", "propose", "--contact", ",+441234567890", "--contact", "b@hub.example,+441234567891"),
        (*MOU, "--valid-from", "2027-01-01", "--valid-to", "2026-01-01"),
        (*MOU, "--valid-from", "2027-01-01"),
    ],
    ids=" ".join,
)
def test_what_can_never_be_done_is_misuse_and_said_in_words(
    databases: Any, conduit: Conduit, command: tuple[str, ...]
) -> None:
    done = conduit(*command)
    assert (done.exit_code, type(done.exception)) == (2, SystemExit), done.output
    assert "Value error" not in done.output
    assert "String should" not in done.output


@pytest.mark.parametrize(
    "command",
    [("duty", "take", NOBODY, "--actor", "A. Operator"), ("hub", "approve", NOBODY), ("restore", "/nosuch")],
    ids=" ".join,
)
def test_what_is_not_there_has_exit_code_3_and_is_said_on_standard_error(
    databases: dict[str, str], conduit: Conduit, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("POSTGRES_DSN", databases["intake"])
    done = conduit(*command)
    assert (done.exit_code, done.stdout) == (3, ""), done.output
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("act", [onboarding.suspend, onboarding.resume, onboarding.offboard, onboarding.rotate])
def test_a_partner_that_nobody_registered_is_unknown_and_one_that_cannot_be_read_is_not(
    act: Callable[[Standing], object],
) -> None:
    with pytest.raises(UnknownError, match="is not in the register"):
        act(Standing("partner", "nosuch"))
    if act is onboarding.resume:
        with pytest.raises(OnboardingError, match="no entry that can be read") as raised:
            act(Standing("partner", "damaged", unreadable=True))
        assert not isinstance(raised.value, UnknownError)


def test_a_force_or_an_mou_that_does_not_exist_is_unknown() -> None:
    with pytest.raises(UnknownError, match="there is no force"):
        onboarding.onboard(Standing("force", "nosuch"), ForceRegistered(force_id="nosuch"))
    with pytest.raises(UnknownError, match="is not in the register"):
        onboarding.finish_rotation(Standing("force", "nosuch"))
    northlight = PartnerRegistered(partner_id="northlight", name="Northlight", contact=Contact())
    with pytest.raises(UnknownError, match="has no MoU 'M-9'"):
        onboarding.suspend(Standing("partner", "northlight", entry=northlight), "M-9")
