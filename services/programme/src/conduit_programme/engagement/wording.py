"""Codes of activities and next steps, in words."""

from collections.abc import Mapping

from conduit_programme.engagement.rules import ActivityKind, ActivityState, StepState
from conduit_web.words import N_

KINDS: Mapping[str, str] = {
    ActivityKind.MEETING: N_("Meeting"),
    ActivityKind.VISIT: N_("Visit"),
    ActivityKind.TRAINING: N_("Training"),
    ActivityKind.JOINT_WORK: N_("Joint work"),
    ActivityKind.CAMPAIGN: N_("Campaign"),
    ActivityKind.CONSULTATION: N_("Consultation"),
    ActivityKind.CONFERENCE: N_("Conference"),
    ActivityKind.CALL: N_("Call"),
}
THEMES: Mapping[str, str] = {
    "referral_quality": N_("Good referrals"),
    "hearing_back": N_("Hearing back"),
    "victims_voice": N_("The voice of victims and survivors"),
    "online_harm": N_("Harm online"),
    "group_exploitation": N_("Exploitation by groups"),
    "peer_harm": N_("Harm between children"),
    "data_sharing": N_("Sharing data"),
    "workforce": N_("Skills and wellbeing of staff"),
}
STATES: Mapping[str, str] = {
    ActivityState.AGREED: N_("agreed"),
    ActivityState.PROPOSED: N_("proposed, waits for the hub's answer"),
    ActivityState.DECLINED: N_("the hub cannot take part"),
    ActivityState.CALLED_OFF: N_("called off"),
}
STEP_STATES: Mapping[str, str] = {
    StepState.OPEN: N_("open"),
    StepState.DONE: N_("done"),
    StepState.DROPPED: N_("dropped"),
}
ACTS: Mapping[str, str] = {
    "logged_activity": N_("logged an activity"),
    "changed_activity": N_("changed an activity"),
    "viewed_activity": N_("looked at an activity"),
    "listed_activities": N_("looked at the list of activities"),
    "proposed_activity": N_("proposed an activity"),
    "answered_proposal": N_("answered a proposal"),
    "called_off_activity": N_("called an activity off"),
    "added_step": N_("added a next step"),
    "ended_step": N_("ended a next step"),
    "joined_step": N_("joined a joint action"),
    "viewed_own_part": N_("looked at their own partnership work"),
    "exported_activities": N_("exported activities"),
    "made_calendar": N_("made a calendar's address"),
    "revoked_calendar": N_("revoked a calendar's address"),
    "viewed_calendar": N_("looked at their calendar's address"),
}
ABOUT: Mapping[str, str] = {"activity": N_("activity"), "step": N_("next step")}
TABLES: Mapping[str, Mapping[str, str]] = {
    "activity_kind": KINDS,
    "theme": THEMES,
    "activity_state": STATES,
    "step_state": STEP_STATES,
}
