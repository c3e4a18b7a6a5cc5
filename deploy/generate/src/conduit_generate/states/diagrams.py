"""The diagrams, as Markdown with Mermaid: each state and each move that was seen, and nothing that was not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain
from textwrap import fill
from typing import NamedTuple

from conduit_generate.states import notices, tours
from conduit_generate.states.world import WAITING, Move

WIDTH = 125
LATE = "referral"
_ALSO = "Read in another order than it happened in:"
_HEAD = """\
# States

Written by `make documents`, and not by hand. Triage's, routing's and notification's own handlers are run on what partners,
officers and forces may say in each situation, and each move that results is drawn here. What is said and does not fit moves
nothing, so it has no arrow. Tests hold this page equal to what the handlers do, and its states equal to those that the
databases' constraints allow; they also walk at random, further than that, and find no other arrow.

An arrow names the messages or the steps that cause it; the [glossary](glossary.md) says what each means. How it all hangs
together: [how a referral travels](how-a-referral-travels.md).
"""


class Diagram(NamedTuple):
    """What a diagram is of, and how a reader is told."""

    of: str
    title: str
    about: str
    names: Mapping[str, str] = {}
    """Words for states that have no name of their own in a contract or a table."""


_SERVICES = "../services"
DIAGRAMS = (
    Diagram(
        "referral",
        "A referral, as its partner sees it",
        "`ReferralState` in the contracts, in `ReferralStatusUpdated` and by HTTP. It follows from what triage and "
        f"routing said last ([`rules.py`]({_SERVICES}/notification/src/conduit_notification/rules.py)). It is drawn as "
        "things happen. Notification reads three topics, and may read a later fact of one before an earlier fact of "
        "another: what a partner may then see besides stands below.",
    ),
    Diagram(
        "review",
        "A review",
        "`state` of triage's `assessments`. `under_review` is the open review: a row of `reviews`, which keeps its "
        "place in the queue while it waits for the partner "
        f"([`cases.py`]({_SERVICES}/triage/src/conduit_triage/cases.py)). A referral that rules accept at once never "
        "had one. Nothing but `DecideReview` leads to `declined`.",
        {WAITING: "under_review, waiting for the partner"},
    ),
    Diagram(
        "case",
        "A case",
        "`state` of routing's `cases`: the referral once forces have it, or are to have it "
        f"([`case.py`]({_SERVICES}/routing/src/conduit_routing/case.py)). It says nothing of what forces do with it.",
    ),
    Diagram(
        "handoff",
        "A hand-off",
        "`HandoffState` in the contracts, `state` of routing's `handoffs`: one force's share in a case "
        f"([`clocks.py`]({_SERVICES}/routing/src/conduit_routing/clocks.py)). Nothing but a force's own word makes it "
        "`received`, `acknowledged` or `declined`: by its connector or, of an acknowledgement, in a call that an officer "
        "records. While it is `disseminated` or `received` a clock runs, which chases, escalates and in the end shows it "
        "to the hub; after a call it runs on for the connector's receipt. Silence never closes it. It is "
        "`disseminated` again "
        "where the force is to read a changed part, or gets the case back.",
    ),
    Diagram(
        "routing_review",
        "A review of the routing",
        "A row of routing's `routing_reviews`: a question to a named officer, about a case or about one force's "
        f"hand-off ([`turn.py`]({_SERVICES}/routing/src/conduit_routing/turn.py)).",
    ),
    Diagram(
        "notice",
        "A notice",
        "`state` of notification's `notices`: one e-mail or one webhook, tried until it is taken or until it is too "
        f"old ([`outcomes.py`]({_SERVICES}/notification/src/conduit_notification/outcomes.py)).",
    ),
)


def page() -> str:
    """The whole document."""
    seen = [*tours.moves(), *notices.moves()]
    return "\n".join([_HEAD, *(_section(diagram, seen) for diagram in DIAGRAMS)])


def causes(of: str, seen: Iterable[Move]) -> dict[tuple[str, str], list[str]]:
    """By the states that a move leads from and to, its causes, in the order of the alphabet."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for move in seen:
        if move.of == of:
            found[move.before, move.after].add(move.cause)
    return {states: sorted(found[states], key=str.casefold) for states in sorted(found)}


def _section(diagram: Diagram, seen: Iterable[Move]) -> str:
    arrows = causes(diagram.of, seen)
    names = sorted(set(chain.from_iterable(arrows)) & diagram.names.keys())
    lines = [
        f"## {diagram.title}\n",
        f"{fill(diagram.about, WIDTH, break_long_words=False, break_on_hyphens=False)}\n",
        "```mermaid",
        "stateDiagram-v2",
        *(f'    state "{diagram.names[state]}" as {state}' for state in names),
        *(f"    {before or '[*]'} --> {after}: {_label(why)}" for (before, after), why in arrows.items()),
        "```\n",
        *_table(diagram, arrows),
        "",
    ]
    if diagram.of == LATE:
        lines += [f"{_ALSO}\n", *_table(diagram, causes(LATE, tours.late_moves())), ""]
    return "\n".join(lines)


def _table(diagram: Diagram, arrows: Mapping[tuple[str, str], list[str]]) -> list[str]:
    rows = (
        f"| {_named(diagram, before)} | {_named(diagram, after)} | {', '.join(why)} |"
        for (before, after), why in arrows.items()
    )
    return ["| from | to | by |", "|---|---|---|", *rows]


def _named(diagram: Diagram, state: str) -> str:
    return diagram.names.get(state, f"`{state}`") if state else ""


def _label(why: list[str]) -> str:
    """Each cause on a line of its own."""
    return r"\n".join(why)
