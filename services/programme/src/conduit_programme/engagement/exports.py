"""Activities as a table for a spreadsheet. Pure.

A spreadsheet takes a cell that begins like a formula for one, and runs it: each such cell begins with an apostrophe.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from conduit_programme.engagement import wording
from conduit_programme.engagement.reading import ShownActivity
from conduit_programme.four_ps import PS
from conduit_web.words import N_, worded

YEAR, MOST = timedelta(days=365), 2_000
HEADS = (
    *(N_("Day"), N_("What"), N_("How it stands"), N_("Organisations"), N_("Forces"), N_("Four Ps"), N_("Themes")),
    *(N_("Who was there"), N_("What came of it"), N_("Next steps")),
)
MORE = N_("There are more activities than this table holds.")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a formula may begin, also written wide."""


def cell(text: str) -> str:
    """A text that no spreadsheet runs."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) or text.startswith(_FORMULA) else text


def table(rows: Iterable[Sequence[str]]) -> str:
    """CSV as RFC 4180 has it, with every cell guarded."""
    written = io.StringIO()
    csv.writer(written).writerows([cell(each) for each in row] for row in rows)
    return written.getvalue()


def activities(
    shown: Iterable[ShownActivity], force_name: Callable[[str], str], look_up: Callable[[str], str], *, cut: bool = False
) -> str:
    """A line for each activity, under its heads. Where it is `cut`, the last line says that there is more."""
    more = [[look_up(MORE)]] if cut else []
    return table([[look_up(head) for head in HEADS], *(_line(each, force_name, look_up) for each in shown), *more])


def _line(each: ShownActivity, force_name: Callable[[str], str], look_up: Callable[[str], str]) -> list[str]:
    activity = each.activity
    return [
        activity.held_on.isoformat(),
        worded(wording.KINDS, activity.kind, look_up),
        worded(wording.STATES, activity.state, look_up),
        "; ".join(name for _, name in each.organisations),
        "; ".join(force_name(force_id) for force_id in activity.force_ids),
        "; ".join(worded(PS, code, look_up) for code in activity.ps),
        "; ".join(worded(wording.THEMES, code, look_up) for code in activity.themes),
        each.said.roles,
        each.said.outcome,
        "; ".join(f"{step.what} ({worded(wording.STEP_STATES, step.step.state, look_up)})" for step in each.steps),
    ]
