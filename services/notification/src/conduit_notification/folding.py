"""Several reminders to one audience as one e-mail: which cases, what each waits for, and the same next step as for one."""

from collections.abc import Mapping
from string import Template as Text

from conduit_notification.notices import Claimed
from conduit_notification.templates import NOT_GIVEN, Template

MOST = 100
"""Reminders in one e-mail, so that a person reads it to its end. The next one has the rest."""

_NUMBERED = {"chase": "reminder", "level": "level"}
_LIST = """
$cases
"""
TEXTS: Mapping[Template, Text] = {
    Template.FORCE_HANDOFF_OVERDUE: Text(f"""\
The hub is still waiting for your force's answers about these cases.
{_LIST}
Please confirm receipt, acknowledge or decline each case now. If you do not,
the hub will contact the next level in your force.

The cases are in your force's case system or connector, under the referral IDs
above.

This is an automatic message. It contains no details of the cases.
Replies are not read.
"""),
    Template.FORCE_HANDOFF_ESCALATED: Text(f"""\
Your force's safeguarding team has not answered the hub's reminders about
these cases. The hub is now contacting the next level.
{_LIST}
Please make sure that your force confirms receipt, acknowledges or declines
each case now. A child's safety may depend on it.

The cases are in your force's case system or connector, under the referral IDs
above.

This is an automatic message. It contains no details of the cases.
Replies are not read.
"""),
    Template.HUB_HANDOFF_ESCALATED: Text(f"""\
Forces have not answered about these cases, so the hub has escalated the
hand-offs to a higher level.
{_LIST}
This is an automatic message. It contains no details of the cases.
"""),
}


def body(notice: Claimed) -> str:
    """The text of an e-mail for all that goes out together. What was said of a case before its last reminder is left out."""
    in_order = sorted(notice.together, key=lambda each: (each.created_at, _number(each)))
    last = {(each.referral_id, each.params.get("force_id"), each.params.get("leg")): each for each in in_order}
    return TEXTS[Template(notice.template)].substitute(cases="\n".join(map(_case, last.values())))


def subject(notice: Claimed) -> str:
    """No single reference stands for several."""
    return f"Referral conduit: {len(notice.together)} reminders"


def _number(notice: Claimed) -> int:
    return int(notice.params.get("chase") or notice.params.get("level") or 0)


def _case(notice: Claimed) -> str:
    given = {name: notice.params.get(name) or NOT_GIVEN for name in ("force_id", "leg", "due")}
    said = f"  force: {given['force_id']}, waiting for: {given['leg']}, was due: {given['due']}"
    which = [f"{word} {notice.params[name]}" for name, word in _NUMBERED.items() if notice.params.get(name)]
    return f"{notice.referral_id}\n{', '.join([said, *which])}"
