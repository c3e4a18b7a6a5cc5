"""The three questions after a hand-over. Pure."""

from conduit_programme import forms
from conduit_programme.feedback import wording
from conduit_programme.feedback.rules import FeedbackAnswer
from conduit_programme.forms import Answers, FieldShape, FormField
from conduit_programme.insight.fields import NOBODY_NAMED
from conduit_web.words import N_

NO_WORDS = N_("Say what was missing.")
QUESTIONS = (
    FormField(
        "heard_back",
        N_("Do you hear what happens with what you referred, and in time?"),
        FieldShape.ONE,
        wording.ANSWERS,
    ),
    FormField("was_clear", N_("Is it clear who does what, and whom you can call?"), FieldShape.ONE, wording.ANSWERS),
    FormField(
        "words", N_("What should the hub or the force do differently?"), FieldShape.WORDS, wanted=False, hint=NOBODY_NAMED
    ),
)


def problems(answers: Answers) -> dict[str, str]:
    """What is wrong with what was answered. "No" says what was missing, so that somebody can answer it."""
    found = forms.problems(QUESTIONS, answers)
    if FeedbackAnswer.NO in {answers["heard_back"], answers["was_clear"]} and not answers["words"]:
        found.setdefault("words", NO_WORDS)
    return found
