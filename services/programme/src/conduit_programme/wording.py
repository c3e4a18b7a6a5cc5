"""Codes in words: English here, and looked up in the catalogues. Each part has its own; here they come together."""

from collections.abc import Mapping
from datetime import date, datetime

from conduit_programme import four_ps
from conduit_programme.advice import wording as advice
from conduit_programme.engagement import wording as engagement
from conduit_programme.experience import wording as experience
from conduit_programme.feedback import wording as feedback
from conduit_programme.insight import wording as insight
from conduit_programme.organisations import wording as organisations
from conduit_programme.practice import wording as practice
from conduit_web.acts import ACT_KINDS
from conduit_web.html import LONDON

PARTS = (organisations, engagement, insight, experience, advice, feedback, practice)
TABLES: Mapping[str, Mapping[str, str]] = {
    **organisations.TABLES,
    **engagement.TABLES,
    **insight.TABLES,
    **four_ps.TABLES,
    **experience.TABLES,
    **advice.TABLES,
    **feedback.TABLES,
    **practice.TABLES,
    "kind": ACT_KINDS,
    "act": {code: words for part in PARTS for code, words in part.ACTS.items()},
    "about": {code: words for part in PARTS for code, words in part.ABOUT.items()},
    "why": {**practice.TAKEN_OUT, **organisations.ERASED},
}
"""By what a template asks for."""


def day(on: date | datetime) -> str:
    """27/11/2026"""
    there = on.astimezone(LONDON) if isinstance(on, datetime) else on
    return there.strftime("%d/%m/%Y")


def every_word() -> set[str]:
    """All words of codes, for tests."""
    return {words for codes in TABLES.values() for words in codes.values()}
