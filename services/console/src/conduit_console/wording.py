"""Codes as an officer reads them: English here, and looked up in the catalogues. A code without words stays a code."""

from collections.abc import Mapping

from conduit_web.words import N_

STATES: Mapping[str, str] = {
    "received": N_("received"),
    "under_review": N_("waits for an officer"),
    "information_requested": N_("waits for the partner"),
    "accepted": N_("accepted"),
    "declined": N_("declined"),
    "with_forces": N_("with forces"),
    "handed_over": N_("handed over"),
    "withdrawn": N_("withdrawn"),
}
URGENCIES: Mapping[str, str] = {"urgent": N_("urgent"), "priority": N_("priority"), "routine": N_("routine")}
HANDOFFS: Mapping[str, str] = {
    "disseminated": N_("sent"),
    "received": N_("received by the connector"),
    "acknowledged": N_("acknowledged by a person"),
    "declined": N_("given back"),
    "stood_down": N_("ended by an officer"),
}
SIGNS: Mapping[str, str] = {
    "would": N_("would get its part by the rules"),
    "sent": N_("sent: on its topic"),
    "received": N_("received by its connector, and by no person yet"),
    "taken": N_("acknowledged by a person"),
    "silent": N_("silent: its deadline has passed"),
    "ended": N_("has no part any more"),
    "kept": N_("gets it by no rule: a suspect belongs to this force"),
}
"""What a force has of a case, beside the map."""
GROUNDS: Mapping[str, str] = {
    "number_of_victims": N_("Number of victims"),
    "number_of_suspects": N_("Number of suspects"),
    "number_of_force_areas": N_("Number of force areas"),
    "nature_of_investigation": N_("Nature of the investigation"),
}
REASONS: Mapping[str, str] = {
    "below_every_threshold": N_("No counted ground is met"),
    "nature_claimed": N_("The partner claims the nature of the investigation"),
    "not_plainly_csa": N_("No concern is plainly child sexual abuse"),
    "estimates_only": N_("Only estimated numbers are high enough"),
    "immediate_danger": N_("A child is in danger now"),
    "reconsideration": N_("The partner asks for a second look"),
    "no_force": N_("No place leads to a force"),
    "tie": N_("The rules cannot say which force leads"),
    "unknown_place": N_("A place leads to no force"),
    "overseas_place": N_("A place is abroad"),
    "outside_force_areas": N_("A place is in no force's area"),
    "declined_without_suggestion": N_("A force gave it back and named no other"),
    "suggestion_not_usable": N_("The force that was suggested cannot get it by rule"),
    "escalation_exhausted": N_("A force has not answered at any level"),
    "not_complex": N_("one force can deal with it"),
    "not_child_sexual_abuse": N_("it is not child sexual abuse"),
    "duplicate": N_("the hub has it under another reference"),
    "already_with_police": N_("the police have it"),
    "not_enough_information": N_("it cannot be judged"),
    "outside_mou": N_("the agreement does not cover it"),
    "outside_our_area": N_("nothing happened in its area"),
    "another_force_leads": N_("another force deals with it"),
    "sent_in_error": N_("it was sent in error"),
    "reported_directly_to_police": N_("the police have it from the partner"),
    "victim_withdrew_consent": N_("the victim no longer agrees"),
    "other": N_("another reason"),
    "agreed": N_("they will do what was asked"),
    "will_call_back": N_("they will call back"),
    "not_reached": N_("nobody was reached"),
    "refused": N_("they will not do it"),
    "information_given": N_("information was given"),
    "something_else": N_("something else"),
    "receipt": N_("no receipt by the connector"),
    "acknowledgement": N_("no acknowledgement by a person"),
    "asked_again": N_("forces were asked again"),
}
FILES: Mapping[str, str] = {
    "pending": N_("still being checked"),
    "available": N_("checked: nothing was found"),
    "threat_found": N_("malware was found: it is gone"),
    "validation_failed": N_("not what it says it is: it is gone"),
}
"""How far a file is checked."""
BASES: Mapping[str, str] = {
    "named_by_officer": N_("an officer named it"),
    "most_offence_places": N_("most places lie in its area"),
    "most_victims": N_("most victims are tied to its places"),
    "first_victims_home": N_("the first victim lives there"),
    "suggested_by_force": N_("another force said so"),
}
"""Why a force leads."""
STEPS: Mapping[str, str] = {
    "referral_received": N_("The hub received the referral"),
    "information_supplied": N_("The partner added information"),
    "referral_withdrawn": N_("The partner withdrew the referral"),
    "reconsideration_requested": N_("The partner asked for a second look"),
    "submission_rejected": N_("Something that the partner sent was not in order"),
    "submission_repeated": N_("The partner sent the same again"),
    "danger_reported": N_("The partner reported danger in something that could not be taken"),
    "attachment_cleared": N_("A file was checked and is available"),
    "review_opened": N_("It waits for an officer"),
    "information_requested": N_("The partner was asked for information"),
    "immediate_danger_raised": N_("Immediate danger: a force gets it now"),
    "referral_accepted": N_("The referral was accepted"),
    "referral_declined": N_("The referral was declined"),
    "reconsideration_refused": N_("There is no second look to have"),
    "information_forwarded": N_("What was added went on to routing"),
    "withdrawal_forwarded": N_("The withdrawal went on to routing"),
    "case_routed": N_("The case was sent to forces"),
    "routing_review_opened": N_("Who gets it waits for an officer"),
    "home_force_named": N_("The home force was named"),
    "handoff_received": N_("A force's connector has its part"),
    "handoff_acknowledged": N_("A force's team acknowledged its part"),
    "handoff_acknowledged_by_telephone": N_("A force's team took its part on by telephone"),
    "interim_owner_named": N_("It was said who looks after the child for now"),
    "call_recorded": N_("A call was recorded"),
    "call_noted": N_("A call was recorded"),
    "handoff_declined": N_("A force said that it is not theirs"),
    "handoff_stood_down": N_("A force's part was ended"),
    "handoff_overdue": N_("A deadline has passed: the force was chased"),
    "handoff_escalated": N_("No answer: it went to the force's next level"),
    "case_handed_over": N_("Every force has acknowledged: handed over"),
    "case_withdrawn": N_("The forces were told of the withdrawal"),
    "triage_decline_forwarded": N_("The forces were told that triage declined"),
    "case_restricted": N_("The case was restricted: a suspect belongs to a police force"),
    "professional_standards_informed": N_("A professional standards department was told"),
    "command_ignored": N_("An officer's decision did not fit: nothing changed"),
    "command_refused": N_("An officer's decision could not be taken: nothing changed"),
    "command_outdated": N_("A decision took effect over something new"),
    "notice_failed": N_("A notice could not be delivered"),
}
AUDIENCES: Mapping[str, str] = {"partner": N_("the partner"), "force": N_("the force"), "hub": N_("the hub")}
"""Whom a notice is for."""
CHANNELS: Mapping[str, str] = {"email": N_("e-mail"), "webhook": N_("a call to its system")}
"""How a notice is sent."""
FAILURES: Mapping[str, str] = {
    "no_contact": N_("the register has no contact"),
    "address_invalid": N_("its address is not in order"),
    "url_not_allowed": N_("its system's address is not allowed"),
    "host_unknown": N_("there is no such host"),
    "unreachable": N_("nobody answers there"),
    "timed_out": N_("no answer came in time"),
    "http_gone": N_("its system wants no more of them"),
    "http_rejected": N_("its system refused it"),
    "http_unavailable": N_("its system could not take it"),
    "smtp_rejected": N_("its mail server refused it"),
    "smtp_unavailable": N_("its mail server could not take it"),
}
"""Why a notice could not be delivered."""
DUTIES: Mapping[str, str] = {
    "danger_refused": N_("A partner says that a child is in danger, in something that the hub could not take"),
    "danger_review": N_("A case with a child in danger waits for an officer's decision"),
    "danger_routing": N_("A case with a child in danger waits: an officer must say where it goes"),
    "danger_restricted": N_("A child is in danger, and a suspect may belong to a police force"),
    "danger_notice_failed": N_("A notice about a child in danger has not reached whom it was for"),
    "no_force": N_("No police force has this case"),
    "force_silent": N_("A police force has not answered at any level"),
    "standards_unreachable": N_("A professional standards department must be told of a case, and has no address here"),
    "practice_overdue": N_("A practice question has no answer in time"),
    "practice_force_silent": N_("A police force has written nothing in time about a practice question"),
    "force_kept_from": N_("A task about a force from which the case is kept"),
}
"""What a duty task is about."""
DUTY_STEPS: Mapping[str, str] = {
    "danger_refused": N_("Call the partner back now. If nobody has called 999, call 999 yourself."),
    "danger_review": N_("Decide the case. Make sure that a person at the force has it."),
    "danger_routing": N_("Say where the case goes. Make sure that a person at the force has it."),
    "danger_restricted": N_(
        "Send it to that force's professional standards department now. Do not speak to that force's own team or to its "
        "control room."
    ),
    "danger_notice_failed": N_("Tell them by telephone now."),
    "no_force": N_("Name a force."),
    "force_silent": N_("Call the force. If nobody answers, call its control room."),
    "standards_unreachable": N_(
        "Call the department yourself, and send the case to it. Do not speak to that force's own team or to its control "
        "room. Then have the department's address put into the register."
    ),
    "practice_overdue": N_(
        "Answer it on the programme's pages, under Practice questions: the most pressing one stands first. If a child could "
        "be in danger, write first that they call 999 and send a referral."
    ),
    "practice_force_silent": N_(
        "Call the force's contact, or answer the question without them, on the programme's pages under Practice questions."
    ),
    "force_kept_from": N_(
        "Do not speak to that force's own team or to its control room. Decide who acts in its place, and send the case to "
        "its professional standards department."
    ),
}
"""What whoever takes it does."""
DECISIONS: Mapping[str, str] = {
    "accept": N_("accepted"),
    "ask": N_("asked the partner"),
    "decline": N_("declined"),
    "name_home_force": N_("named the home force"),
    "reroute": N_("gave a part to another force"),
    "stand_down": N_("ended a force's part"),
    "send_to_professional_standards": N_("sent to professional standards"),
    "name_interim_owner": N_("named who looks after the child for now"),
    "chase": N_("had a force chased"),
    "escalate": N_("went to a force's next level"),
    "record_acknowledgement": N_("recorded an acknowledgement by telephone"),
    "record_call": N_("recorded a call"),
    "note_call": N_("recorded a call"),
}
"""What an officer sent, as the trail has it."""
ANSWERS: Mapping[str, str] = {
    "already_decided": N_("It was decided already"),
    "no_open_review": N_("Nothing was asked of an officer"),
    "same_officer": N_("You declined it before: a second look is another officer's"),
    "withdrawn": N_("The partner withdrew it"),
    "reason_not_in_effect": N_("This reason cannot be given now"),
    "home_force_unknown": N_("There is no such force"),
    "force_unknown": N_("There is no such force"),
    "cannot_be_home": N_("This force has no area in which to look after a child"),
    "case_changed": N_("Something happened that you had not seen"),
    "not_restricted": N_("The case is not restricted"),
    "standards_told_already": N_("That department was told already"),
    "not_kept_from": N_("The case is not kept from this force"),
    "triage_declined": N_("The referral was declined"),
    "kept_from_force": N_("A suspect belongs to this force: send it to professional standards first"),
    "home_force_settled": N_("A home force leads: it looks after the child"),
    "already_interim_owner": N_("This force looks after the child already"),
    "given_back": N_("The force gave it back"),
    "not_yet_due": N_("No deadline of this force has passed"),
    "no_level_left": N_("The force has no further level: call it"),
    "part_changed": N_("The force's part has changed since you spoke: call again, and tell them what is new"),
    "spoken_later": N_("The time at which you spoke has not come yet"),
    "already_named": N_("This force was named already"),
    "same_force": N_("Both are the same force"),
    "no_handoff": N_("This force has no part"),
    "already_acknowledged": N_("A person at the force has it already"),
    "already_stood_down": N_("This part was ended already"),
    "last_force": N_("No other force has it: a child is never with nobody"),
    "home_force": N_("The home force's part cannot end: name another first"),
    "register_behind": N_("It could not be told who is an officer: decide again in a few minutes"),
    "officer_not_registered": N_("You are no longer in the register"),
    "role_lacking": N_("Your role does not decide"),
    "signature_expired": N_("It came too late to be taken: decide again"),
    "passkey_missing": N_("You have a passkey, and this came without it: decide again, with it at hand"),
    "passkey_unknown": N_("An administrator has not confirmed this passkey: decide again with one of yours that is"),
    "passkey_for_another": N_("Your passkey answered to something else: decide again, and tell an administrator"),
    "passkey_count": N_("Somebody may have copied your passkey: tell an administrator at once"),
    "taken_already": N_("Somebody else has it, or did what it asks for"),
    "task_unknown": N_("There is no such task"),
    "referral_unknown": N_("The referral has not arrived there yet: decide again in a few minutes"),
    "information_supplied": N_("The partner added information"),
    "information_added": N_("Information was added"),
    "information_requested": N_("The partner was asked"),
    "review_opened": N_("A question was put to an officer"),
    "review_raised": N_("The question became more urgent"),
    "danger_raised": N_("Immediate danger was reported"),
    "accepted": N_("It was accepted"),
    "declined": N_("It was declined"),
    "handed_over": N_("Every force acknowledged"),
    "acknowledged_by_telephone": N_("A force's team took its part on by telephone"),
    "call_recorded": N_("A call was recorded"),
    "chased": N_("A force was chased"),
    "escalated": N_("It went to a force's next level"),
    "interim_owner": N_("Another force looks after the child"),
    "home_force_changed": N_("Another force became the home force"),
    "restricted": N_("The case was restricted"),
}
"""Why a decision changed nothing, and what had changed that its officer had not seen."""
ACTS: Mapping[str, str] = {
    "viewed_case": N_("looked at a case"),
    "broke_glass": N_("broke the glass of a restricted case"),
    "claimed": N_("took a case"),
    "handed_back": N_("handed a case back"),
    "reassigned": N_("gave a case to somebody"),
    "named_officer": N_("opened a restricted case to somebody"),
    "decided": N_("sent a decision"),
    "took_duty_task": N_("took a duty task"),
    "viewed_whom_to_call": N_("looked whom to call about a duty task"),
    "asked_opinion": N_("asked for a second opinion"),
    "gave_opinion": N_("gave a second opinion"),
    "withdrew_opinion": N_("asked no more for a second opinion"),
    "read_opinions": N_("read second opinions about a case"),
    "fetched_file": N_("fetched a file"),
    "made_passkey": N_("made a passkey"),
    "removed_passkey": N_("removed a passkey that waited"),
}
OPINIONS: Mapping[str, str] = {
    "agrees": N_("agrees"),
    "disagrees": N_("does not agree"),
    "withdrawn": N_("not asked any more"),
}
"""What another officer says of a decision before it is sent."""
GLASS: Mapping[str, str] = {
    "child_at_risk": N_("A child may be at risk and no named officer can be reached"),
    "clock_running_out": N_("A deadline is about to pass and no named officer can be reached"),
    "complaint": N_("A complaint or an inspection is about this case"),
    "data_subject": N_("A data subject's request is about this case"),
}
"""Why somebody may open a restricted case that they are not named for. The audit keeps the code."""
CONCERNS: Mapping[str, str] = {
    "contact_sexual_abuse": N_("Contact sexual abuse"),
    "non_contact_sexual_abuse": N_("Non-contact sexual abuse"),
    "child_sexual_exploitation": N_("Child sexual exploitation"),
    "online_sexual_abuse": N_("Online sexual abuse"),
    "indecent_images_of_children": N_("Indecent images of children"),
    "grooming": N_("Grooming"),
    "trafficking_for_sexual_exploitation": N_("Trafficking for sexual exploitation"),
    "other_harm": N_("Other harm"),
}
WHOSE_NUMBER: Mapping[str, str] = {
    "team": N_("its team"),
    "level_1": N_("its first level above the team"),
    "level_2": N_("its second level"),
    "level_3": N_("its third level"),
    "level_4": N_("its fourth level"),
    "level_5": N_("its fifth level"),
    "control_room": N_("its control room"),
}
"""Whom a number in the register reaches."""
ROLES: Mapping[str, str] = {"victim": N_("Victim"), "suspect": N_("Suspect"), "witness": N_("Witness")}
_ALL = (
    *(STATES, URGENCIES, HANDOFFS, SIGNS, GROUNDS, REASONS, BASES, FILES, STEPS, DUTIES, DUTY_STEPS, DECISIONS),
    *(ANSWERS, ACTS, OPINIONS, GLASS, CONCERNS, ROLES, WHOSE_NUMBER),
)


def every_word() -> set[str]:
    """All words of codes, for tests."""
    return {words for codes in _ALL for words in codes.values()}
