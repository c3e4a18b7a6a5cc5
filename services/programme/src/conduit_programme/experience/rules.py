"""What consents allow, when somebody may speak and be written down, and what may happen to a payment: pure."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

AFTER_DAYS = 2
"""So many days after a conversation somebody asks at the latest how the contributor is."""
_LETTERS, _LENGTH = "23456789BCDFGHJKLMNPQRSTVWXZ", 8


class ConsentPurpose(StrEnum):
    """To what a contributor agrees, each by itself."""

    RECORD = "record"
    """That what they say is written down."""
    QUOTE = "quote"
    """That it is quoted without their name to who works with the hub."""
    CONTACT = "contact"
    """That somebody asks them again."""
    PUBLISH = "publish"
    """That it is published."""


NEEDS: Mapping[ConsentPurpose, ConsentPurpose] = {
    ConsentPurpose.QUOTE: ConsentPurpose.RECORD,
    ConsentPurpose.PUBLISH: ConsentPurpose.QUOTE,
}
"""What cannot stand without what."""


class WellbeingMoment(StrEnum):
    """When somebody asks how a contributor is."""

    BEFORE = "before"
    AFTER = "after"


class WellbeingOutcome(StrEnum):
    """What was found. No words are kept of it: whoever supports the contributor is at the partner."""

    WELL = "well"
    SUPPORT = "support"
    """The partner supports them."""
    STOP = "stop"
    """It must not go on."""


class PaymentState(StrEnum):
    """What became of a payment."""

    DUE = "due"
    """A conversation was held, and nothing has been offered yet."""
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    PAID = "paid"


PAYMENT_STEPS: Mapping[PaymentState, tuple[PaymentState, ...]] = {
    PaymentState.DUE: (PaymentState.OFFERED,),
    PaymentState.OFFERED: (PaymentState.ACCEPTED, PaymentState.DECLINED),
    PaymentState.ACCEPTED: (PaymentState.PAID, PaymentState.DECLINED),
    PaymentState.DECLINED: (PaymentState.OFFERED,),
    PaymentState.PAID: (),
}
"""What may follow what. Who declined may change their mind."""


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """A consent as it was last given or withdrawn."""

    purpose: ConsentPurpose
    given: bool
    on_day: date
    said_by: str
    """Who said so to the hub: the contributor, or the partner for them."""


def standing(lines: Iterable[ConsentLine]) -> frozenset[ConsentPurpose]:
    """What a contributor agrees to now, by the last line of each: nothing stands without what it needs."""
    given = {line.purpose for line in lines if line.given}
    return frozenset(each for each in given if given.issuperset(_needed(each)))


def falls_with(purpose: ConsentPurpose) -> tuple[ConsentPurpose, ...]:
    """What ends when this consent is withdrawn: itself, and all that needs it."""
    return tuple(each for each in ConsentPurpose if each is purpose or purpose in _needed(each))


def may_be_given(purpose: ConsentPurpose, stand: frozenset[ConsentPurpose]) -> bool:
    """Whether it is still to be given, and what it needs stands."""
    return purpose not in stand and stand.issuperset(_needed(purpose))


def next_anniversary(last: date) -> date:
    """A year after consents were last looked at: when they are to be looked at again."""
    try:
        return last.replace(year=last.year + 1)
    except ValueError:  # the 29th of February
        return last.replace(year=last.year + 1, day=28)


def looked_at_before(today: date) -> date:
    """The last day on which consents were looked at that are to be looked at again today."""
    last = (
        today.replace(year=today.year - 1, day=28)
        if (today.month, today.day) == (2, 29)
        else today.replace(year=today.year - 1)
    )
    following = last + timedelta(days=1)
    return following if next_anniversary(following) <= today else last


def check_days(on: date) -> Mapping[WellbeingMoment, date]:
    """By when each of a conversation's two wellbeing checks is due, by the day planned and then by the day held."""
    return {WellbeingMoment.BEFORE: on, WellbeingMoment.AFTER: on + timedelta(days=AFTER_DAYS)}


def may_be_held(before: WellbeingOutcome | None) -> bool:
    """Whether a conversation may begin: somebody asked first how the contributor is, and nobody said stop."""
    return before in {WellbeingOutcome.WELL, WellbeingOutcome.SUPPORT}


def may_be_kept(stand: frozenset[ConsentPurpose], held_on: date | None) -> bool:
    """Whether words of a conversation may be written down."""
    return held_on is not None and ConsentPurpose.RECORD in stand


def read_pence(text: str) -> int | None:
    """An amount of money as people write it; None where it is none, or more than any conversation is worth."""
    pounds, dot, pence = text.strip().removeprefix("£").strip().partition(".")
    whole = pounds.isascii() and pounds.isdecimal() and len(pounds) <= 4
    if not whole or (dot and not (len(pence) == 2 and pence.isascii() and pence.isdecimal())):
        return None
    return int(pounds) * 100 + int(pence or 0) or None


def draw_reference() -> str:
    """How a conversation is called at the partner and at finance: by chance, so that it says nothing of anybody."""
    drawn = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    return f"LE-{drawn[:4]}-{drawn[4:]}"


def _needed(purpose: ConsentPurpose) -> frozenset[ConsentPurpose]:
    needed = NEEDS.get(purpose)
    return frozenset() if needed is None else frozenset({needed, *_needed(needed)})
