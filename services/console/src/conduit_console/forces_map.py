"""Which forces a case concerns and what each has of it, as the map and the list beside it show. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from conduit_console.cases import SOME_FORCE, FollowedCase, FollowedHandoff
from conduit_contracts.routing import HandoffState
from conduit_web.tiles import MarkedForce, Sign

_SIGNS = {
    HandoffState.DISSEMINATED: Sign.SENT,
    HandoffState.RECEIVED: Sign.RECEIVED,
    HandoffState.ACKNOWLEDGED: Sign.TAKEN,
    HandoffState.DECLINED: Sign.ENDED,
    HandoffState.STOOD_DOWN: Sign.ENDED,
}


def on_the_map(
    case: FollowedCase, now: datetime, would: Sequence[str] = (), would_lead: str | None = None
) -> list[MarkedForce]:
    """Every force that the case concerns, the one that leads first. `would` are those that would get a part by the rules."""
    home = case.home_force or would_lead
    found = dict(_found(case, now, would))
    in_order = sorted(found, key=lambda each: (each != home, found[each] is Sign.ENDED, list(found).index(each)))
    return [
        MarkedForce(number, force_id, found[force_id], force_id == home, _looks_after(case, force_id))
        for number, force_id in enumerate(in_order, 1)
    ]


def _found(case: FollowedCase, now: datetime, would: Sequence[str]) -> Iterator[tuple[str, Sign]]:
    """The last word on each force holds."""
    yield from ((force_id, Sign.WOULD) for force_id in would)
    yield from ((force_id, Sign.KEPT) for force_id in case.kept_from if force_id != SOME_FORCE)
    yield from ((force_id, _sign(part, now)) for force_id, part in case.handoffs.items())


def _sign(part: FollowedHandoff, now: datetime) -> Sign:
    is_silent = part.waiting and part.due_at is not None and part.due_at <= now
    return Sign.SILENT if is_silent else _SIGNS[part.state]


def _looks_after(case: FollowedCase, force_id: str) -> bool:
    """The duty is worth a word only while no home force has acknowledged."""
    home = case.handoffs.get(case.home_force or "")
    return force_id == case.interim_owner and (home is None or home.state is not HandoffState.ACKNOWLEDGED)
