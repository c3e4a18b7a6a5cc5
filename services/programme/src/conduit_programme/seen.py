"""What was read is what is changed: a form carries a mark of what it was filled with, and is refused once that has changed.

Whoever keeps such a form holds its row, reads what stands, and asks `must_stand` before anything is written.
"""

import json
from hashlib import sha256

from markupsafe import Markup

from conduit_programme.forms import Answers
from conduit_programme.trail import OvertakenError, UnchangedError
from conduit_web.visits import Visit

MARK = "mark"


def mark_of(stands: Answers) -> str:
    """What tells what stands from what it becomes later; empty where nothing is written yet, as in a form without a mark."""
    written = sorted((name, answer) for name, answer in stands.items() if answer)
    return sha256(json.dumps(written).encode()).hexdigest() if written else ""


def hidden_mark(stands: Answers, visit: Visit | None = None) -> Markup:
    """What a form carries unseen. One that comes back to this visit with problems keeps the mark that it came with."""
    mark = visit.form.get(MARK, "") if visit and visit.form else mark_of(stands)
    return Markup('<input type="hidden" name="{}" value="{}">').format(MARK, mark)


def must_stand(visit: Visit, stands: Answers, sent: Answers | None, otherwise: OvertakenError) -> None:
    """Go on where what stands is what the form was filled with. `sent` is what would stand then, where it can be compared.

    Raises:
        UnchangedError: what was sent stands already.
        OvertakenError: something else does.
    """
    now = mark_of(stands)
    if visit.form.get(MARK, "") == now:
        return
    if sent is not None and mark_of(sent) == now:
        raise UnchangedError
    raise otherwise
