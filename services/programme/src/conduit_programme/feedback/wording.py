"""Codes of what partners say after a hand-over, in words."""

from collections.abc import Mapping

from conduit_programme.feedback.rules import FeedbackAnswer, FeedbackRound
from conduit_web.words import N_

ROUNDS: Mapping[str, str] = {
    FeedbackRound.AT_HAND_OVER: N_("at hand-over"),
    FeedbackRound.AFTER_30_DAYS: N_("30 days later"),
}
ANSWERS: Mapping[str, str] = {
    FeedbackAnswer.YES: N_("Yes"),
    FeedbackAnswer.PARTLY: N_("Partly"),
    FeedbackAnswer.NO: N_("No"),
}
ACTS: Mapping[str, str] = {
    "listed_handover_questions": N_("looked at the questions after hand-overs"),
    "viewed_handover_questions": N_("looked at the questions about a hand-over"),
    "answered_handover_questions": N_("said how a hand-over went"),
}
ABOUT: Mapping[str, str] = {"handover_questions": N_("questions after a hand-over")}
TABLES: Mapping[str, Mapping[str, str]] = {"feedback_round": ROUNDS, "feedback_answer": ANSWERS}
