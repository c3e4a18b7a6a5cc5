"""What officers' commands have in common, and what officers are told about them."""

from typing import Annotated, TypeAlias

from pydantic import Field, StringConstraints

from conduit_contracts.base import Term
from conduit_contracts.envelope import Command, Event
from conduit_contracts.forms import WORD, WORD_WORDS, formed
from conduit_contracts.ids import ForceId, OfficerId, ReferralId
from conduit_contracts.problems import Problem
from conduit_contracts.referral import Line, Text
from conduit_contracts.times import Moment

SeenVersion = Annotated[int, Field(ge=0)]
"""The version of the case that the officer saw when deciding, as the service that decides counts it."""
SeenUntil: TypeAlias = Moment
"""Up to when the officer's page knew the case, in the broker's time. What the service learned later is news."""
AnswerCode = Annotated[str, formed(WORD, WORD_WORDS, max_length=64)]
CommandId = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class CallOutcome(Term):
    """What came of a call."""

    AGREED = "agreed"
    """They will do what was asked."""
    WILL_CALL_BACK = "will_call_back"
    NOT_REACHED = "not_reached"
    REFUSED = "refused"
    INFORMATION_GIVEN = "information_given"
    """They told the hub something, or the hub told them."""
    SOMETHING_ELSE = "something_else"


class _OfCall(Command):
    """A named officer records a call, and what came of it."""

    referral_id: ReferralId
    officer_id: OfficerId
    force_id: ForceId | None = None
    """The force that was spoken to. Absent: the partner."""
    spoken_at: Moment
    """When they spoke."""
    spoke_to: Line
    """Who was spoken to: what they do, not their name."""
    outcome: CallOutcome
    seen_version: SeenVersion | None = None
    """The `version` of the case that the officer saw. If the case has changed since, the officer is told what is new."""
    seen_until: SeenUntil | None = None
    """Up to when the officer's page knew the case, in the broker's time; what the service learned later is news. It stands
    for `seen_version` where the page does not know that; where a command has both, what is news by either is news."""
    comment: Text
    """What was said, for the case's history."""


class _AboutCommand(Event):
    """What an officer is told about one command."""

    command_id: CommandId
    """The command's `ce_id`; if that cannot be read, the record's topic, partition and offset."""
    officer_id: OfficerId | None = None
    """The officer that it is for. Absent if no officer could be read from the record."""
    referral_id: ReferralId | None = None
    """The case that the command names, if it names one."""


class _RefusedCommand(_AboutCommand):
    """The command could not be read, names no case, or was signed by nobody who decides. Nothing changed."""

    problems: Annotated[tuple[Problem, ...], Field(min_length=1)]
    """What was wrong, field by field, and what to do."""


class _OutdatedCommand(_AboutCommand):
    """The command took effect, although the case had changed since its officer saw it."""

    code: AnswerCode
    """What took effect, for example `accept` or `name_home_force`."""
    seen_version: SeenVersion
    """The version that the officer saw. Where the command has `seen_until` alone: the one that stood by then."""
    seen_until: SeenUntil | None = None
    """The `seen_until` of the command, if it had one."""
    changes: Annotated[tuple[AnswerCode, ...], Field(min_length=1)]
    """What was new since then, as the case's history names it, for example `information_added`. Look at the case again."""
