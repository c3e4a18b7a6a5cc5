"""Codes of practice questions in words."""

from collections.abc import Mapping

from conduit_contracts.programme import ForceRole
from conduit_programme.practice.identifying import IdentifyingKind
from conduit_programme.practice.rules import PracticeKind, PracticeOutcome, PracticeState, StrikeReason, TakenOutReason
from conduit_web.words import N_

KINDS: Mapping[str, str] = {
    PracticeKind.REFERRAL: N_("Whether to refer something"),
    PracticeKind.FORCE: N_("Which force or area it concerns"),
    PracticeKind.EVIDENCE: N_("How to keep what could be evidence, or what a child says"),
    PracticeKind.SAFEGUARDING: N_("What to do first, so that a child is safe"),
    PracticeKind.RECORDING: N_("How to write something down"),
    PracticeKind.OTHER: N_("Something else"),
}
STATES: Mapping[str, str] = {
    PracticeState.WAITING: N_("no officer has it yet"),
    PracticeState.TAKEN: N_("an officer has it"),
    PracticeState.ANSWERED: N_("answered"),
    PracticeState.ENDED: N_("answered and ended"),
    PracticeState.REFERRAL: N_("became a referral"),
    PracticeState.WITHDRAWN: N_("taken back"),
    PracticeState.STRUCK: N_("struck and ended"),
}
OUTCOMES: Mapping[str, str] = {
    PracticeOutcome.ANSWERED: N_("Answered"),
    PracticeOutcome.REFERRAL: N_("Became a referral"),
    PracticeOutcome.WITHDRAWN: N_("Taken back"),
    PracticeOutcome.STRUCK: N_("Struck"),
}
STRIKES: Mapping[str, str] = {
    StrikeReason.NAMES: N_("It names somebody"),
    StrikeReason.REACHES: N_("It says how somebody can be reached"),
    StrikeReason.PLACES: N_("It says where somebody lives, learns or works"),
    StrikeReason.NUMBERS: N_("It has a date or a number by which somebody can be looked up"),
    StrikeReason.DETAILS: N_("It has so many details that somebody would be recognised"),
}
TAKEN_OUT: Mapping[str, str] = {
    TakenOutReason.WRONG_FORCE: N_("It was the wrong force"),
    TakenOutReason.NOT_NEEDED: N_("Nobody needed to ask them"),
    TakenOutReason.CONFLICT: N_("Somebody there should not read it"),
}
FORCE_ROLES: Mapping[str, str] = {
    ForceRole.TEAM: N_("safeguarding team"),
    ForceRole.SINGLE_POINT_OF_CONTACT: N_("single point of contact"),
}
LOOKS: Mapping[str, str] = {
    IdentifyingKind.EMAIL: N_("Strike what looks like an email address."),
    IdentifyingKind.ONLINE: N_("Strike what looks like an account or an address on the web. Say which sort of site it is."),
    IdentifyingKind.TELEPHONE: N_("Strike what looks like a telephone number."),
    IdentifyingKind.POSTCODE: N_("Strike what looks like a postcode. A force area is enough."),
    IdentifyingKind.DATE: N_("Strike what looks like a date of birth or another whole date. Write an age, or a month."),
    IdentifyingKind.NHS_NUMBER: N_("Strike what looks like an NHS number."),
    IdentifyingKind.NATIONAL_INSURANCE: N_("Strike what looks like a National Insurance number."),
    IdentifyingKind.NUMBER: N_("Strike what looks like a telephone number or the number of a record."),
}
ACTS: Mapping[str, str] = {
    "listed_practice_questions": N_("looked at a list of practice questions"),
    "viewed_practice_question": N_("looked at a practice question"),
    "counted_practice_questions": N_("looked at practice questions in numbers"),
    "said_whether_in_danger": N_("said whether a child is in danger now"),
    "asked_practice_question": N_("asked a practice question"),
    "took_practice_question": N_("took a practice question"),
    "answered_practice_question": N_("answered a practice question"),
    "wrote_about_practice_question": N_("wrote something about a practice question"),
    "let_force_be_asked": N_("agreed that a force is brought into a practice question"),
    "brought_force_in": N_("brought a force into a practice question"),
    "took_force_out": N_("took a force out of a practice question"),
    "ended_practice_question": N_("ended a practice question"),
    "withdrew_practice_question": N_("took a practice question back"),
    "struck_practice_question": N_("struck a practice question, because somebody could be known by it"),
}
ABOUT: Mapping[str, str] = {"practice_question": N_("practice question")}
TABLES: Mapping[str, Mapping[str, str]] = {
    "practice_kind": KINDS,
    "practice_state": STATES,
    "practice_outcome": OUTCOMES,
    "strike": STRIKES,
    "taken_out": TAKEN_OUT,
    "force_role": FORCE_ROLES,
    "looks_like": LOOKS,
}
