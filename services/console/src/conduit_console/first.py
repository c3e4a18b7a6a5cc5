"""What leads an officer's first page: the one thing that really waits for somebody. Pure.

A question to which an officer has just sent an answer waits for the hub's rules and for nobody, so something else leads;
where the rules do not answer in minutes, it is asked again (`unanswered.HOLDS`).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from conduit_console.cases import AskedBy
from conduit_console.queries.duties import DutyTaskRow
from conduit_console.queries.lists import QuestionRow
from conduit_console.queries.opinions import OpinionRow

Held = Collection[tuple[UUID, AskedBy]]
"""Questions to which an answer was sent just now, by case and by who asks."""
_ASKS = {"danger_review": AskedBy.TRIAGE, "danger_routing": AskedBy.ROUTING}
"""Duty tasks that ask for the answer to a case's question."""


@dataclass(frozen=True, slots=True)
class FirstPage:
    """What a first page lists, each in the order in which it is to be done."""

    mine: Sequence[QuestionRow]
    unclaimed: Sequence[QuestionRow]
    duties: Sequence[DutyTaskRow]
    opinions: Sequence[OpinionRow]
    """Those that others ask of this officer."""


@dataclass(frozen=True, slots=True)
class DoFirst:
    """What leads the page. In danger a case and a duty task may lead together; otherwise at most one is given."""

    case_in_danger: QuestionRow | None = None
    duty_in_danger: DutyTaskRow | None = None
    mine: QuestionRow | None = None
    unclaimed: QuestionRow | None = None
    duty: DutyTaskRow | None = None
    opinion: OpinionRow | None = None


def do_first(listed: FirstPage, held: Held) -> DoFirst:
    """Danger, then what is in this officer's hands, then what nobody has taken, then what else is asked of people.

    What waits for the partner leads only in danger, and after what waits for an officer.
    """
    mine, unclaimed = _waiting(listed.mine, held), _waiting(listed.unclaimed, held)
    duties = [each for each in listed.duties if (each.referral_id, _ASKS.get(each.kind)) not in held]
    in_danger = _for_an_officer_first([each for each in (*mine, *unclaimed) if each.danger])
    duty_in_danger = next((each for each in duties if each.danger), None)
    if in_danger or duty_in_danger:
        return DoFirst(case_in_danger=next(iter(in_danger), None), duty_in_danger=duty_in_danger)
    if own := _asked(mine):
        return DoFirst(mine=own[0])
    if others := _asked(unclaimed):
        return DoFirst(unclaimed=others[0])
    return DoFirst(duty=duties[0]) if duties else DoFirst(opinion=next(iter(listed.opinions), None))


def _waiting(rows: Iterable[QuestionRow], held: Held) -> list[QuestionRow]:
    return [each for each in rows if (each.referral_id, each.asked_by) not in held]


def _asked(rows: Iterable[QuestionRow]) -> list[QuestionRow]:
    return [each for each in rows if not each.waits_for_partner]


def _for_an_officer_first(rows: Sequence[QuestionRow]) -> list[QuestionRow]:
    """Of those in danger: what waits for the partner last, and a restricted case, which is not open to everybody, late."""
    return sorted(rows, key=lambda each: (each.waits_for_partner, each.restricted))
