"""The glossary has every topic, message, state and code, in the order of the registry, and each word once."""

import re
from enum import Enum
from pathlib import Path

import pytest

from conduit_contracts.force import NotOursReason
from conduit_contracts.notification import ReferralState
from conduit_contracts.partner import WithdrawalReason
from conduit_contracts.referral import Ground
from conduit_contracts.routing import HandoffState, HomeForceBasis, Leg, RoutingReviewReason
from conduit_contracts.topics import REGISTRY
from conduit_contracts.triage import DeclineReason, ReviewOutcome, ReviewReason
from conduit_intake.submissions import Outcome
from conduit_routing.case import CaseState
from conduit_triage.cases import State

GLOSSARY = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")
WORD = re.compile(r"^- \*\*(.+?)\*\*: (.+)$", re.MULTILINE)
SECTION = re.compile(r"^### (.+)$", re.MULTILINE)
ROW = re.compile(r"^\| `([^`]+)` \| (.+) \|$", re.MULTILINE)
SHORTEST = 15
CODES: dict[str, type[Enum]] = {
    "Of a referral, for its partner": ReferralState,
    "Of an assessment, in triage": State,
    "Of a case, in routing": CaseState,
    "Of a hand-off": HandoffState,
    "What became of a submission": Outcome,
    "What an officer decides": ReviewOutcome,
    "Grounds": Ground,
    "Why a review is open": ReviewReason,
    "Why an officer declines": DeclineReason,
    "Why an officer is asked about the routing": RoutingReviewReason,
    "Why this force leads": HomeForceBasis,
    "Why a force gives a case back": NotOursReason,
    "Why a partner withdraws": WithdrawalReason,
    "What a clock waits for": Leg,
}


def sections() -> dict[str, list[str]]:
    """What stands first in each row of the tables, by heading."""
    _, *parts = SECTION.split(GLOSSARY)
    return {heading: [name for name, _ in ROW.findall(text)] for heading, text in zip(parts[::2], parts[1::2], strict=True)}


def test_each_word_has_one_meaning() -> None:
    words = [word.casefold() for word, _ in WORD.findall(GLOSSARY)]
    assert len(words) > 80
    assert sorted(words) == sorted(set(words))
    assert [word for word, meaning in WORD.findall(GLOSSARY) if len(meaning) < SHORTEST] == []


def test_every_topic_and_message_of_the_registry_is_explained_in_flow_order() -> None:
    explained = [(heading.strip("`"), names) for heading, names in sections().items() if heading.startswith("`")]
    assert explained == [(topic.template, [message.__name__ for message in topic.messages]) for topic in REGISTRY]


@pytest.mark.parametrize("heading", CODES)
def test_every_state_and_code_is_explained(heading: str) -> None:
    assert sections()[heading] == [each.value for each in CODES[heading]]


def test_the_readme_leads_to_it() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert "(docs/glossary.md)" in readme
