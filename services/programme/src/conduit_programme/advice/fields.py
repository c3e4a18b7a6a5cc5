"""What is asked about national advice, and what is wrong with an answer. Pure."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from conduit_programme import forms
from conduit_programme.advice import wording
from conduit_programme.advice.rules import AdviceOutcome, AdviceRefusal
from conduit_programme.advice.store import AdviceDraft
from conduit_programme.forms import Answers, FieldShape, FormField
from conduit_programme.four_ps import PS, FourPs
from conduit_programme.wording import day
from conduit_web.words import N_

LONGEST_NOTE = 12_000
PAST = N_("This day is past.")
NO_ADOPTION, NO_WHY, NO_WORDS = N_("Say by when."), N_("Say why."), N_("Say what it is.")
WITHDRAWAL = (
    FormField(
        "words", N_("Why it holds no longer"), FieldShape.WORDS, hint=N_("Every force reads this in the place of the note.")
    ),
)
ANSWER = (
    FormField("outcome", N_("What your force makes of it"), FieldShape.ONE, wording.OUTCOMES),
    FormField(
        "adopt_by",
        N_("By when you will adopt it"),
        FieldShape.DAY,
        wanted=False,
        hint=N_("Only if you will. For example 27/11/2026"),
    ),
    FormField(
        "why",
        N_("Why you do not adopt it"),
        FieldShape.LISTED,
        wording.REFUSALS,
        wanted=False,
        hint=N_("Only if you do not."),
    ),
    FormField(
        "words",
        N_("What the hub should know about it"),
        FieldShape.WORDS,
        wanted=False,
        hint=N_("Nothing about a case. The hub reads this, and no other force."),
    ),
)


def draft(insights: Mapping[str, str], quotes: Mapping[str, str], holding: Mapping[str, str]) -> tuple[FormField, ...]:
    """What is asked of a note: these may be cited, and one of those that hold may be replaced."""
    asked = [
        FormField("title", N_("What it is about"), hint=N_("One line. No case, and nobody's name.")),
        FormField(
            "words",
            N_("What forces are advised to do, and why"),
            FieldShape.WORDS,
            longest=LONGEST_NOTE,
            hint=N_("In your own words, and never in a contributor's: those are cited below, and stay theirs."),
        ),
        FormField("four_p", N_("Which of the four Ps it is about"), FieldShape.ONE, PS),
        FormField("confirm_by", N_("By when each force confirms that it read it"), FieldShape.DAY),
        FormField(
            "insights",
            N_("What it rests on"),
            FieldShape.SEVERAL,
            insights,
            hint=N_("Forces see how much was heard and from whom by role, not the words."),
            named=True,
        ),
    ]
    if quotes:
        label, hint = N_("What people with lived experience said"), N_("Forces read it while who said it agrees to that.")
        asked.append(FormField("quotes", label, FieldShape.SEVERAL, quotes, hint=hint, wanted=False, named=True))
    if holding:
        label = N_("Which note it replaces")
        asked.append(FormField("replaces", label, FieldShape.LISTED, holding, wanted=False, named=True))
    return tuple(asked)


def draft_problems(asked: tuple[FormField, ...], answers: Answers, today: date) -> dict[str, str]:
    """What is wrong with a draft."""
    found = forms.problems(asked, answers)
    confirm_by = forms.day(answers, "confirm_by")
    if confirm_by and confirm_by < today:
        found.setdefault("confirm_by", PAST)
    return found


def read_draft(answers: Answers, confirm_by: date) -> AdviceDraft:
    """What was written, once nothing is wrong with it."""
    replaces = answers.get("replaces")
    return AdviceDraft(
        answers["title"],
        answers["words"],
        FourPs(answers["four_p"]),
        confirm_by,
        tuple(UUID(each) for each in forms.chosen(answers, "insights")),
        tuple(UUID(each) for each in forms.chosen(answers, "quotes")),
        UUID(replaces) if replaces else None,
    )


def draft_answers(written: AdviceDraft) -> dict[str, str]:
    """A draft as its form has it."""
    return {
        "title": written.title,
        "words": written.words,
        "four_p": written.four_p.value,
        "confirm_by": day(written.confirm_by),
        "insights": " ".join(sorted(map(str, written.insight_ids))),
        "quotes": " ".join(sorted(map(str, written.quote_ids))),
        "replaces": str(written.replaces or ""),
    }


def answer_problems(answers: Answers, today: date) -> dict[str, str]:
    """What is wrong with a force's answer: a promise has a day, and a refusal says why."""
    found = forms.problems(ANSWER, answers)
    if answers.get("outcome") == AdviceOutcome.WILL_ADOPT:
        adopt_by = forms.day(answers, "adopt_by")
        if not answers["adopt_by"]:
            found.setdefault("adopt_by", NO_ADOPTION)
        if adopt_by and adopt_by < today:
            found.setdefault("adopt_by", PAST)
    if answers.get("outcome") == AdviceOutcome.NOT_ADOPTED:
        if not answers["why"]:
            found.setdefault("why", NO_WHY)
        if answers["why"] == AdviceRefusal.OTHER and not answers["words"]:
            found.setdefault("words", NO_WORDS)
    return forms.in_order(ANSWER, found)
