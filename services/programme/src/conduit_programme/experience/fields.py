"""What is asked in the forms of lived experience, and what an answer means. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date

from conduit_programme import forms
from conduit_programme.experience import wording
from conduit_programme.experience.rules import (
    PAYMENT_STEPS,
    ConsentPurpose,
    PaymentState,
    read_pence,
)
from conduit_programme.experience.store import CONTRIBUTOR, HUB, PARTNER
from conduit_programme.forms import Answers, FieldShape, FormField
from conduit_programme.organisations.choosing import OfferedOrganisations
from conduit_web.words import N_

NOT_YET = N_("This day has not come yet.")
PAST = N_("This day is past.")
NO_MONEY = N_("Write an amount in pounds, for example 25 or 25.50.")
NOT_SAID = N_("Go on only when this is so.")
LIMITS_FIRST = FormField(
    "limits",
    N_("The limits of confidentiality come first"),
    FieldShape.SEVERAL,
    {"explained": N_("They were explained, and the contributor understood them")},
    hint=N_("Who tells of harm to a child, or of danger to anybody, must know before they speak that it cannot stay here."),
)
_ON_DAY = FormField("on_day", N_("When they said so"), FieldShape.DAY)
_SAID_BY = FormField(
    "said_by", N_("Who told the hub"), FieldShape.ONE, {each: wording.SAID_BY[each] for each in (CONTRIBUTOR, PARTNER)}
)
_PRINT = FormField(
    "told",
    N_("Before they agree to be published"),
    FieldShape.SEVERAL,
    {"print": N_("They were told that printed and saved copies cannot be recalled, even if they withdraw")},
)
WITHDRAWAL = (_ON_DAY, _SAID_BY)
HELD = (
    FormField("held_on", N_("When it took place"), FieldShape.DAY),
    LIMITS_FIRST,
)
CHECK = (FormField("outcome", N_("How they are"), FieldShape.ONE, wording.OUTCOMES),)
CONTACT = (
    FormField(
        "words",
        N_("How to reach them, if not through the partner"),
        FieldShape.WORDS,
        wanted=False,
        longest=400,
        hint=N_(
            "Leave it empty: then they are reached through the partner. Write here only what the contributor asked for."
        ),
    ),
)
QUOTE = (
    FormField(
        "words",
        N_("What they said"),
        FieldShape.WORDS,
        hint=N_("In their own words, without names, places, dates or anything else by which somebody could be known."),
    ),
    FormField(
        "sure",
        N_("Before you keep it"),
        FieldShape.SEVERAL,
        {
            "nobody": N_("Nobody can be known by it: neither they, nor a child, nor a suspect"),
            "harm": N_("It tells of no harm to a child that has not been acted on"),
        },
    ),
)


def of_new(known: OfferedOrganisations) -> tuple[FormField, ...]:
    """What is asked first: the limits, then through whom the contributor is reached, and what to call them."""
    return (
        LIMITS_FIRST,
        FormField("limits_on", N_("When they were explained"), FieldShape.DAY),
        FormField(
            "limits_by",
            N_("Who explained them"),
            FieldShape.ONE,
            {PARTNER: N_("The partner"), HUB: N_("Somebody at the hub")},
        ),
        FormField(
            "organisation",
            N_("The partner through which they are reached"),
            FieldShape.LISTED,
            known.names,
            named=True,
            search=known.search,
        ),
        FormField(
            "pseudonym",
            N_("Pseudonym"),
            longest=60,
            hint=N_("Any name that the partner chose and that is not theirs. Only the partner knows whose it is."),
        ),
    )


def of_consent(purpose: ConsentPurpose) -> tuple[FormField, ...]:
    """What is asked of one that is given."""
    return (*((_PRINT,) if purpose is ConsentPurpose.PUBLISH else ()), _ON_DAY, _SAID_BY)


def of_conversation(people: Mapping[str, str]) -> tuple[FormField, ...]:
    """What is asked of one that is planned."""
    return (
        FormField("planned_on", N_("When it will be"), FieldShape.DAY),
        FormField("before", N_("Who asks before it how they are"), FieldShape.LISTED, people, named=True),
        FormField("after", N_("Who asks after it how they are"), FieldShape.LISTED, people, named=True),
    )


def of_owner(people: Mapping[str, str]) -> tuple[FormField, ...]:
    """Who asks instead."""
    return (FormField("owner", N_("Who asks how they are"), FieldShape.LISTED, people, named=True),)


def of_release(quotes: Mapping[str, str]) -> tuple[FormField, ...]:
    """What is asked of one: what it is called, and which quotes, in their whole length."""
    return (
        FormField(
            "title", N_("What it is called"), hint=N_("Use none of their words here: a title stays when they withdraw.")
        ),
        FormField("quotes", N_("What is published"), FieldShape.SEVERAL, quotes, named=True),
    )


def of_payment(state: PaymentState) -> tuple[FormField, ...]:
    """What may become of one. An amount is asked for where one is offered."""
    steps = {each.value: wording.PAYMENTS[each] for each in PAYMENT_STEPS[state]}
    became = FormField("state", N_("What became of it"), FieldShape.ONE, steps)
    amount = FormField("amount", N_("Amount in pounds"), longest=10)
    return (became, *((amount,) if PaymentState.OFFERED.value in steps else ()))


def problems(fields: Sequence[FormField], answers: Answers, today: date, *, ahead: bool = False) -> dict[str, str]:
    """What is wrong. Days are past, or `ahead`; what must be said first has every box ticked."""
    found = forms.problems(fields, answers)
    for each in fields:
        given = forms.day(answers, each.name) if each.shape is FieldShape.DAY else None
        if given and (given < today if ahead else given > today):
            found.setdefault(each.name, PAST if ahead else NOT_YET)
        if each.name in {LIMITS_FIRST.name, _PRINT.name, QUOTE[1].name} and {*forms.chosen(answers, each.name)} != {
            *each.codes
        }:
            found[each.name] = NOT_SAID
    return found


def payment_problems(fields: Sequence[FormField], answers: Answers) -> dict[str, str]:
    """What is wrong with what became of a payment."""
    found = forms.problems(fields, answers)
    if any(each.name == "amount" for each in fields) and read_pence(answers.get("amount", "")) is None:
        found["amount"] = NO_MONEY
    return found
