"""Codes of national advice in words."""

from collections.abc import Mapping

from conduit_programme.advice.rules import AdviceOutcome, AdviceRefusal, AdviceState
from conduit_web.words import N_

STATES: Mapping[str, str] = {
    AdviceState.DRAFT: N_("draft"),
    AdviceState.PUBLISHED: N_("published"),
    AdviceState.WITHDRAWN: N_("withdrawn"),
    AdviceState.REPLACED: N_("replaced"),
}
OUTCOMES: Mapping[str, str] = {
    AdviceOutcome.ADOPTED: N_("We have adopted it"),
    AdviceOutcome.WILL_ADOPT: N_("We will adopt it by the day below"),
    AdviceOutcome.NOT_ADOPTED: N_("We do not adopt it"),
}
STANDINGS: Mapping[str, str] = {
    "silent": N_("not confirmed"),
    "confirmed": N_("read, no answer yet"),
    AdviceOutcome.ADOPTED: N_("adopted"),
    AdviceOutcome.WILL_ADOPT: N_("to be adopted"),
    AdviceOutcome.NOT_ADOPTED: N_("not adopted"),
}
REFUSALS: Mapping[str, str] = {
    AdviceRefusal.DONE_ALREADY: N_("We do the same in another way already"),
    AdviceRefusal.NO_MEANS: N_("We have no people or no money for it"),
    AdviceRefusal.DOES_NOT_APPLY: N_("It does not apply to us"),
    AdviceRefusal.CONFLICTS: N_("It conflicts with a duty or a rule of ours"),
    AdviceRefusal.OTHER: N_("Something else, as written below"),
}
ACTS: Mapping[str, str] = {
    "listed_advice": N_("looked at the list of national advice"),
    "viewed_advice": N_("looked at a note of national advice"),
    "wrote_advice": N_("wrote a draft of national advice"),
    "published_advice": N_("published a note of national advice"),
    "withdrew_advice": N_("withdrew a note of national advice"),
    "confirmed_advice": N_("confirmed that their force read a note of national advice"),
    "answered_advice": N_("said what their force makes of a note of national advice"),
}
ABOUT: Mapping[str, str] = {"advice": N_("note of national advice")}
TABLES: Mapping[str, Mapping[str, str]] = {
    "advice_state": STATES,
    "advice_outcome": OUTCOMES,
    "advice_standing": STANDINGS,
    "advice_refusal": REFUSALS,
}
