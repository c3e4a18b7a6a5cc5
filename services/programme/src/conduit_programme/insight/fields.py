"""What is asked about insights, and what is wrong with an answer. Pure."""

from datetime import date

from conduit_programme import forms
from conduit_programme.forms import Answers, FieldShape, FormField
from conduit_programme.four_ps import PS, FourPs
from conduit_programme.insight import wording
from conduit_programme.insight.rules import InsightOutcome, may_count
from conduit_programme.insight.said import MeasureReadingWords
from conduit_programme.organisations.choosing import OfferedOrganisations
from conduit_web.words import N_

NOBODY_NAMED = N_("Nothing by which a child, a case or anybody else could be known.")
YET_TO_COME = N_("This day is yet to come.")
NO_DAY_OF_CHANGE, NO_EVIDENCE = N_("Say when it changed."), N_("Say where one can see it.")
_SPEAKER = FormField(
    "speaker",
    N_("Who said it"),
    FieldShape.LISTED,
    wording.SPEAKERS,
    hint=N_("By role. Never a name."),
)
_HEARD_ON = FormField("heard_on", N_("When they said it"), FieldShape.DAY)
OFFER = (
    FormField("words", N_("What should the hub know?"), FieldShape.WORDS, hint=NOBODY_NAMED),
    _SPEAKER,
    _HEARD_ON,
)
CONSIDER = (FormField("four_p", N_("Which of the four Ps it is about"), FieldShape.ONE, PS),)
ANSWER = (
    FormField("outcome", N_("What came of it"), FieldShape.ONE, wording.OUTCOMES),
    FormField(
        "words",
        N_("What changed, or why it could not"),
        FieldShape.WORDS,
        hint=N_("The organisation that told the hub reads this."),
    ),
    FormField(
        "changed_on",
        N_("When it changed"),
        FieldShape.DAY,
        wanted=False,
        hint=N_("Only if something changed. For example 27/11/2026"),
    ),
    FormField(
        "evidence",
        N_("Where one can see that"),
        wanted=False,
        hint=N_("Only if something changed. For example a page, a course or a new wording."),
    ),
)


def note(known: OfferedOrganisations) -> tuple[FormField, ...]:
    """What somebody at the hub writes down."""
    label = N_("Which organisation it was heard from")
    whose = FormField("organisation", label, FieldShape.LISTED, known.names, named=True, search=known.search)
    words = FormField(
        "words", N_("What was heard"), FieldShape.WORDS, hint=N_("The organisation reads this on its page. Name nobody.")
    )
    return (whose, words, _SPEAKER, _HEARD_ON)


def heard_problems(asked: tuple[FormField, ...], answers: Answers, today: date) -> dict[str, str]:
    """What is wrong with what was written down."""
    found = forms.problems(asked, answers)
    said = forms.day(answers, "heard_on")
    if said and said > today:
        found.setdefault("heard_on", YET_TO_COME)
    return found


def answer_problems(answers: Answers, today: date) -> dict[str, str]:
    """What is wrong with an answer. That something changed says when, and where one can see it."""
    found = forms.problems(ANSWER, answers)
    if answers.get("outcome") == InsightOutcome.CHANGED:
        changed_on = forms.day(answers, "changed_on")
        if not answers["changed_on"]:
            found.setdefault("changed_on", NO_DAY_OF_CHANGE)
        if changed_on and changed_on > today:
            found.setdefault("changed_on", YET_TO_COME)
        if not answers["evidence"]:
            found.setdefault("evidence", NO_EVIDENCE)
    return forms.in_order(ANSWER, found)


MOST_FIGURE = 1_000_000_000
NO_FIGURE = N_("Write a whole number, for example 1250.")
READING = (
    FormField("figure", N_("How many"), longest=12),
    FormField("source", N_("Where the number comes from"), hint=N_("So that somebody else can count it again.")),
    FormField("shows", N_("What it shows, and what changed because of it"), FieldShape.WORDS, wanted=False),
)


def measure(four_p: FourPs) -> tuple[FormField, ...]:
    """What is asked of a measure of this P."""
    counts = {each.value: wording.COUNTS[each] for each in may_count(four_p)}
    return (
        FormField("name", N_("What is measured"), hint=NOBODY_NAMED),
        FormField("counts", N_("What it counts"), FieldShape.LISTED, counts),
        FormField("how", N_("How it is counted"), FieldShape.WORDS, wanted=False),
        FormField("agreed_with", N_("With whom it was agreed"), wanted=False, hint=N_("Organisations, not people.")),
    )


def figure(answers: Answers) -> int | None:
    """The number; blanks and commas between its digits are of no account."""
    text = answers.get("figure", "").replace(",", "").replace(" ", "")
    found = int(text) if text.isdecimal() and text.isascii() and len(text) <= len(str(MOST_FIGURE)) else None
    return found if found is not None and found <= MOST_FIGURE else None


def reading_answers(figure: int, said: MeasureReadingWords) -> dict[str, str]:
    """The form filled with what a measure was."""
    return {"figure": str(figure), **said.model_dump()}


def reading_problems(answers: Answers) -> dict[str, str]:
    """What is wrong with what a measure was."""
    found = forms.problems(READING, answers)
    if "figure" not in found and figure(answers) is None:
        found = {"figure": NO_FIGURE, **found}
    return found
