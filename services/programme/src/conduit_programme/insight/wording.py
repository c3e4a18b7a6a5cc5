"""Codes of insights in words."""

from collections.abc import Mapping

from conduit_programme.insight.rules import InsightOutcome, InsightSource, InsightState, MeasureCounts, SpeakerRole
from conduit_web.words import N_

SPEAKERS: Mapping[str, str] = {
    SpeakerRole.PRACTITIONER: N_("Practitioner or caseworker"),
    SpeakerRole.MANAGER: N_("Manager"),
    SpeakerRole.HELPLINE: N_("Helpline"),
    SpeakerRole.YOUNG_PERSON: N_("Young person"),
    SpeakerRole.ADULT_SURVIVOR: N_("Adult survivor"),
    SpeakerRole.PARENT_OR_CARER: N_("Parent or carer"),
    SpeakerRole.COMMUNITY: N_("Member of a community"),
    SpeakerRole.POLICE: N_("Police"),
    SpeakerRole.OTHER: N_("Somebody else"),
}
SOURCES: Mapping[str, str] = {
    InsightSource.OFFERED: N_("written on their own page"),
    InsightSource.NOTED: N_("heard by the hub"),
    InsightSource.FEEDBACK: N_("said after a hand-over"),
}
STATES: Mapping[str, str] = {
    InsightState.WAITING: N_("nobody has considered it yet"),
    InsightState.CONSIDERED: N_("being considered"),
    InsightState.CHANGED: N_("something changed"),
    InsightState.NOT_CHANGED: N_("it could not be changed"),
}
OUTCOMES: Mapping[str, str] = {
    InsightOutcome.CHANGED: N_("Something changed"),
    InsightOutcome.NOT_CHANGED: N_("It could not be changed"),
}
COUNTS: Mapping[str, str] = {
    MeasureCounts.HAND_OFFS: N_("Hand-offs to forces"),
    MeasureCounts.ACKNOWLEDGEMENTS: N_("Acknowledgements by forces"),
    MeasureCounts.REFERRERS_FEEDBACK: N_("Answers of referrers after a hand-over"),
    MeasureCounts.PEOPLE_TRAINED: N_("People trained"),
    MeasureCounts.PEOPLE_REACHED: N_("People reached"),
    MeasureCounts.PEOPLE_SUPPORTED: N_("People supported"),
    MeasureCounts.ORGANISATIONS: N_("Organisations"),
    MeasureCounts.OTHER: N_("Something else"),
}
ACTS: Mapping[str, str] = {
    "listed_insights": N_("looked at the list of insights"),
    "viewed_insight": N_("looked at an insight"),
    "noted_insight": N_("wrote down an insight"),
    "offered_insight": N_("offered an insight"),
    "considered_insight": N_("considered an insight"),
    "answered_insight": N_("answered an insight"),
    "viewed_four_ps": N_("looked at the four Ps"),
    "viewed_report": N_("looked at a quarterly report"),
    "agreed_measure": N_("agreed a measure"),
    "ended_measure": N_("ended a measure"),
    "noted_reading": N_("noted what a measure was"),
    "erased_insight": N_("deleted the words of an insight"),
}
ABOUT: Mapping[str, str] = {"insight": N_("insight"), "measure": N_("measure")}
TABLES: Mapping[str, Mapping[str, str]] = {
    "speaker": SPEAKERS,
    "insight_source": SOURCES,
    "insight_state": STATES,
    "insight_outcome": OUTCOMES,
    "counts": COUNTS,
}
