"""Who is told next where more waits than can be sent. Danger goes before all of it and is not counted here.

Pure. Kinds of notices have shares, so that no number of one kind keeps another waiting; what a kind does not use, the others
get. Within a kind, audiences take turns.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from conduit_notification.templates import Template


class NoticeKind(StrEnum):
    """What a notice is to whoever gets it."""

    NEW = "new"
    """Something that they have not been told of, and are to act on."""
    PROGRESS = "progress"
    """What became of something. Nobody has to act."""
    REMINDER = "reminder"
    """They have been told before."""
    SANDBOX = "sandbox"


WEIGHTS: Mapping[NoticeKind, int] = {
    NoticeKind.NEW: 8,
    NoticeKind.PROGRESS: 4,
    NoticeKind.REMINDER: 2,
    NoticeKind.SANDBOX: 1,
}
"""How many turns each kind has of those that all of them want."""

_KINDS = {
    Template.PARTNER_REFERRAL_RECEIVED: NoticeKind.PROGRESS,
    Template.PARTNER_REFERRAL_ACCEPTED: NoticeKind.PROGRESS,
    Template.PARTNER_CASE_HANDED_OVER: NoticeKind.PROGRESS,
    Template.FORCE_HANDOFF_OVERDUE: NoticeKind.REMINDER,
    Template.FORCE_HANDOFF_ESCALATED: NoticeKind.REMINDER,
    Template.HUB_HANDOFF_ESCALATED: NoticeKind.REMINDER,
    Template.HUB_NOTICE_FAILED: NoticeKind.REMINDER,
}
FOLDED = (Template.FORCE_HANDOFF_OVERDUE, Template.FORCE_HANDOFF_ESCALATED, Template.HUB_HANDOFF_ESCALATED)
"""What goes to an audience as one e-mail, however many cases it is about. Not those of danger: each is read by itself."""


def kind_of(template: Template, *, sandbox: bool) -> NoticeKind:
    """What a notice of this template is."""
    return NoticeKind.SANDBOX if sandbox else _KINDS.get(template, NoticeKind.NEW)


@dataclass(frozen=True, slots=True)
class DueNotice:
    """A notice that is due. Of each kind they come in the order in which audiences take turns."""

    notice_id: UUID
    kind: NoticeKind
    audience: str
    fold: tuple[str, str, int] | None = None
    """The same of all those that go out as one."""


@dataclass(slots=True)
class Shares:
    """Which notice has the next turn: of the kind that has had least, by its weight, the next audience's."""

    _had: dict[NoticeKind, float] = field(default_factory=dict)
    _now: float = 0.0
    """What the kind had that was chosen last. Who did not want a turn until now has missed none."""
    after: dict[NoticeKind, str] = field(default_factory=lambda: dict.fromkeys(NoticeKind, ""))
    """The audience that had the last turn of each kind."""

    def choose(self, waiting: Iterable[DueNotice], room: int, held: Mapping[str, int], most: int) -> list[DueNotice]:
        """Up to `room` of them, in order. No audience gets more than `most` with what it holds already."""
        queues: dict[NoticeKind, list[DueNotice]] = {}
        for each in waiting:
            queues.setdefault(each.kind, []).append(each)
        for kind in queues:
            self._had[kind] = max(self._had.get(kind, 0.0), self._now)
        chosen: list[DueNotice] = []
        having = Counter(held)
        while queues and len(chosen) < room:
            kind = min(queues, key=lambda each: (self._had[each], -WEIGHTS[each]))
            found = _first_allowed(queues[kind], chosen, having, most)
            if found is None:
                del queues[kind]
                continue
            self._now = self._had[kind]
            self._had[kind] += 1 / WEIGHTS[kind]
            self.after[kind] = found.audience
            having[found.audience] += 1
            chosen.append(found)
        return chosen


def _first_allowed(
    queue: list[DueNotice], chosen: Sequence[DueNotice], having: Mapping[str, int], most: int
) -> DueNotice | None:
    folds: Collection[object] = {each.fold for each in chosen if each.fold}
    while queue:
        found = queue.pop(0)
        if having.get(found.audience, 0) < most and found.fold not in folds:
            return found
    return None
