"""What is asked of who asks, answers or brings a force in, and what is wrong with it. Pure."""

from collections.abc import Iterable, Mapping
from datetime import date

from conduit_contracts.geography import forces
from conduit_programme import forms
from conduit_programme.forms import Answers, FieldShape, FormField
from conduit_programme.practice import wording
from conduit_programme.practice.identifying import WAYS_TO_REACH, IdentifyingKind, identifying
from conduit_web.html import force_name
from conduit_web.words import N_

LONGEST_QUESTION = 2_000
YES, NO = "yes", "no"
UNKNOWN, FORCE = "unknown", "f-"
PAST = N_("This day is past.")
SEVERAL_LOOKS = N_(
    "Several things here could identify somebody. Strike email addresses, accounts, telephone numbers, postcodes, whole"
    " dates and numbers of records."
)
PARTNERS: frozenset[IdentifyingKind] = frozenset()
"""What partners may write of what identifies: nothing."""
OFFICIAL = WAYS_TO_REACH
"""What the hub and forces may write of it: whom one can call."""
_WORDS = "words"
_NOBODY = N_(
    "Nothing by which a child or anybody else could be known: no name, address, school, account, date of birth or number."
)
DANGER = (FormField("danger", N_("Is a child in danger now?"), FieldShape.ONE, {YES: N_("Yes"), NO: N_("No")}),)
ASK = (
    FormField("kind", N_("What you want to know"), FieldShape.LISTED, wording.KINDS),
    FormField(_WORDS, N_("Your question"), FieldShape.WORDS, hint=_NOBODY, longest=LONGEST_QUESTION),
    FormField(
        "areas",
        N_("Force areas that it concerns"),
        FieldShape.SEVERAL,
        {UNKNOWN: N_("I do not know"), **{f"{FORCE}{force_id}": force.name for force_id, force in forces().items()}},
        hint=N_("This tells no force anything."),
        wanted=False,
        folded=(FORCE, N_("Name force areas")),
    ),
    FormField(
        "needed_by",
        N_("By when you need an answer"),
        FieldShape.DAY,
        hint=N_("Only if you need it sooner than usual. For example 27/11/2026"),
        wanted=False,
    ),
    FormField(
        "force_may",
        N_("May the hub bring a force's people into the conversation?"),
        FieldShape.ONE,
        {YES: N_("Yes"), NO: N_("Ask me first")},
        hint=N_("They read what the hub tells them then, what is written from then on, and the name of your organisation."),
    ),
)
MESSAGE = (FormField(_WORDS, N_("What you want to say"), FieldShape.WORDS, hint=_NOBODY, longest=LONGEST_QUESTION),)
ANSWER = (
    FormField(
        _WORDS, N_("What you want to say"), FieldShape.WORDS, hint=N_("All who take part read this. Identify nobody.")
    ),
    FormField(
        "answers",
        N_("Does this answer the question?"),
        FieldShape.ONE,
        {YES: N_("Yes"), NO: N_("No, the hub will write again")},
    ),
)
STRIKE = (
    FormField(
        "why", N_("By what somebody could be known"), FieldShape.LISTED, wording.STRIKES, hint=N_("The partner reads this.")
    ),
)


TAKE_OUT = (
    FormField(
        "why",
        N_("Why they are no longer part of it"),
        FieldShape.LISTED,
        wording.TAKEN_OUT,
        hint=N_("Whoever takes part reads this."),
    ),
)


def bring(force_ids: Iterable[str]) -> tuple[FormField, ...]:
    """What is asked about bringing one of these forces in."""
    named = {each: force_name(each) for each in force_ids}
    return (
        FormField("force", N_("Which force"), FieldShape.LISTED, named, named=True),
        FormField(
            _WORDS,
            N_("What you tell them, and what you ask them"),
            FieldShape.WORDS,
            hint=N_("They read this and what is written from then on, and nothing from before. The partner reads it, too."),
        ),
    )


def asked_problems(answers: Answers, today: date) -> dict[str, str]:
    """What is wrong with a question."""
    found = said_problems(ASK, answers, PARTNERS)
    needed_by = forms.day(answers, "needed_by")
    if needed_by and needed_by < today:
        found.setdefault("needed_by", PAST)
    return forms.in_order(ASK, found)


def said_problems(asked: tuple[FormField, ...], answers: Answers, allowed: frozenset[IdentifyingKind]) -> dict[str, str]:
    """What is wrong with what somebody says. What looks as if it could identify somebody is not kept, whoever writes it."""
    found = forms.problems(asked, answers)
    looks = identifying(answers.get(_WORDS, ""), allowed)
    if looks and _WORDS not in found:
        found[_WORDS] = wording.LOOKS[looks[0]] if len(looks) == 1 else SEVERAL_LOOKS
    return forms.in_order(asked, found)


def areas(answers: Answers) -> tuple[str, ...]:
    """The force areas of an answer."""
    return tuple(each.removeprefix(FORCE) for each in forms.chosen(answers, "areas") if each.startswith(FORCE))


def is_yes(answers: Mapping[str, str], name: str) -> bool:
    """Whether it was answered with yes."""
    return answers.get(name) == YES
