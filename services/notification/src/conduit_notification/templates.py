"""The texts of all notices. A text holds references, codes and what to do next; no field below can name a case's content."""

from enum import StrEnum
from string import Template as Text


class Template(StrEnum):
    """Audience and fact. Without the audience it is also the webhook's `type`."""

    PARTNER_REFERRAL_RECEIVED = "partner_referral_received"
    PARTNER_IMMEDIATE_DANGER = "partner_immediate_danger"
    PARTNER_SUBMISSION_REJECTED = "partner_submission_rejected"
    PARTNER_DANGER_REJECTED = "partner_danger_rejected"
    PARTNER_DANGER_DEFERRED = "partner_danger_deferred"
    PARTNER_INFORMATION_REQUESTED = "partner_information_requested"
    PARTNER_REFERRAL_ACCEPTED = "partner_referral_accepted"
    PARTNER_NO_FORCE_YET = "partner_no_force_yet"
    PARTNER_REFERRAL_DECLINED = "partner_referral_declined"
    PARTNER_CASE_HANDED_OVER = "partner_case_handed_over"
    FORCE_CASE_DISSEMINATED = "force_case_disseminated"
    FORCE_CASE_CHANGED = "force_case_changed"
    FORCE_IMMEDIATE_DANGER = "force_immediate_danger"
    FORCE_HANDOFF_OVERDUE = "force_handoff_overdue"
    FORCE_DANGER_OVERDUE = "force_danger_overdue"
    FORCE_HANDOFF_ESCALATED = "force_handoff_escalated"
    FORCE_PROFESSIONAL_STANDARDS = "force_professional_standards"
    FORCE_DANGER_ESCALATED = "force_danger_escalated"
    HUB_ROUTING_REVIEW_OPENED = "hub_routing_review_opened"
    HUB_CASE_RESTRICTED = "hub_case_restricted"
    HUB_HANDOFF_ESCALATED = "hub_handoff_escalated"
    HUB_NOTICE_FAILED = "hub_notice_failed"
    HUB_DUTY_DANGER = "hub_duty_danger"
    HUB_DUTY_TASK = "hub_duty_task"
    HUB_CONTACTS_PROPOSED = "hub_contacts_proposed"
    HUB_CONTACTS_CHANGED = "hub_contacts_changed"

    @property
    def webhook_type(self) -> str:
        """The `type` of a Standard Webhooks payload: levels are divided by a dot."""
        return self.value.replace("_", ".", 1)


COLLAPSED = frozenset({Template.PARTNER_SUBMISSION_REJECTED, Template.HUB_NOTICE_FAILED})
"""A fault of one sender or one endpoint can cause any number of these."""

COMPUTED = frozenset(
    {"referral_id", "open_partner", "open_force", "next_step", "reading", "control_room", "what", "do", "take", "to_do"}
)
"""Fields that are filled in when the text is written: ids, ways and words that follow from the notice and the settings."""

SUBJECT = Text("Referral conduit: $reference")
SUBJECTS = {
    Template.PARTNER_IMMEDIATE_DANGER: Text("CALL 999 - a child is in danger: $reference"),
    Template.PARTNER_DANGER_REJECTED: Text("CALL 999 - a child is in danger, and the hub has not taken: $reference"),
    Template.PARTNER_DANGER_DEFERRED: Text("CALL 999 - a child is in danger, and no police force has this yet: $reference"),
    Template.FORCE_IMMEDIATE_DANGER: Text("IMMEDIATE DANGER - read now: $reference"),
    Template.FORCE_DANGER_OVERDUE: Text("IMMEDIATE DANGER - answer now: $reference"),
    Template.FORCE_DANGER_ESCALATED: Text("IMMEDIATE DANGER - not answered: $reference"),
    Template.HUB_DUTY_DANGER: Text("IMMEDIATE DANGER - duty task, take it now: $reference"),
    Template.HUB_DUTY_TASK: Text("Duty task: $reference"),
    Template.HUB_CONTACTS_PROPOSED: Text("Somebody proposes to change the hub's duty contacts"),
    Template.HUB_CONTACTS_CHANGED: Text("The hub's duty contacts were changed"),
}
"""Where a child is in danger the subject says so: it must not look like routine mail."""
IN_DANGER = frozenset(each for each in Template if "danger" in each.value)
NOT_GIVEN = "not given"
"""Stands for a parameter that is empty."""

_FOOT = """
This message was sent by a machine and holds no details of the case.
Replies are not read.$reading
"""
_HUB_FOOT = """
This message was sent by a machine and holds no details of the case.
"""
_ABOUT_REFERRAL = """
Your reference:  $partner_reference
Referral:        $referral_id
State:           $state
"""
_ABOUT_HANDOFF = """
Referral:  $referral_id
Force:     $force_id
"""
_SEE = """
$open_partner
"""
_ABOUT_DUTY = """
Partner:            $partner_id
Partner reference:  $partner_reference
Referral:           $about_referral
Force:              $force_id
Why:                $codes
Control rooms:      $ring

$do

$take
"""

_TEXTS = {
    Template.PARTNER_REFERRAL_RECEIVED: f"""\
The hub has received your referral and answers for it from here on.
{_ABOUT_REFERRAL}
$to_do
If a child comes to be in danger, call 999.
{_SEE}{_FOOT}""",
    Template.PARTNER_IMMEDIATE_DANGER: f"""\
$next_step

The hub has received what you sent, which says that a child is in immediate
danger. It is treated as such. That does not replace your call.
{_ABOUT_REFERRAL}{_SEE}{_FOOT}""",
    Template.PARTNER_SUBMISSION_REJECTED: f"""\
The hub could not take something that you sent, and has not stored it.

Your reference:  $partner_reference
Submission:      $submission_id

Your updates list every problem with its field and what to do. Mend it and
send it again. More may have been rejected: you are told by e-mail at most
once in five minutes, and of each one in your updates.
If a child is in danger, call 999 now.
{_FOOT}""",
    Template.PARTNER_DANGER_REJECTED: f"""\
A child is in danger: call 999 now.

The hub could not take what you sent, and has not stored it. No police force
hears of it from the hub.

Your reference:  $partner_reference
Submission:      $submission_id

Once you have called, mend what your updates name and send it again.
{_FOOT}""",
    Template.PARTNER_DANGER_DEFERRED: f"""\
A child is in danger: call 999 now.

What you sent has not taken effect: it waits for its referral, or for what you
sent before it. No police force hears of it from the hub meanwhile.

Your reference:  $partner_reference
Submission:      $submission_id

Once you have called, send the referral if you have not. Your updates say what
becomes of it.
{_FOOT}""",
    Template.PARTNER_INFORMATION_REQUESTED: f"""\
An officer at the hub asks you for information about your referral.
{_ABOUT_REFERRAL}
Please read the question in your updates and add the answer to the referral.
The review stays open meanwhile.
{_SEE}{_FOOT}""",
    Template.PARTNER_REFERRAL_ACCEPTED: f"""\
The hub has accepted your referral. The next updates say which police forces
have it; each of them must confirm that it has its part. Where none has it
yet, you are told so.
{_ABOUT_REFERRAL}
Unless an update asks you for something, there is nothing for you to do. You
hear from us when every force has acknowledged it.
If a child comes to be in danger, call 999.
{_SEE}{_FOOT}""",
    Template.PARTNER_NO_FORCE_YET: f"""\
No police force has your referral yet: what was sent does not settle which
one may have it. A named officer at the hub decides that, and you are told in
your updates when a force has the case.
{_ABOUT_REFERRAL}
If you can say where it happened, or where a child is, add that to the
referral, with the code of the district.
If a child is in danger, call 999 now.
{_SEE}{_FOOT}""",
    Template.PARTNER_REFERRAL_DECLINED: f"""\
A named officer at the hub has decided that your referral does not meet the
criteria.
{_ABOUT_REFERRAL}
Please read in your updates the reason, what you can do instead, and whether
you may ask for a second officer's look.
If a child is in danger, call 999.
{_SEE}{_FOOT}""",
    Template.PARTNER_CASE_HANDED_OVER: f"""\
Every police force concerned has acknowledged your referral: a person in each
safeguarding team has read it and takes it.
{_ABOUT_REFERRAL}
If you learn more, add it to the referral: the forces that it concerns
receive it.
{_SEE}{_FOOT}""",
    Template.FORCE_CASE_DISSEMINATED: f"""\
The hub has put a case into your force's hands.
{_ABOUT_HANDOFF}
$open_force

Confirm that you have it, and acknowledge it once a person has read it. If it
is not yours, decline it and say why: until another force has it, it stays
yours.
{_FOOT}""",
    Template.FORCE_CASE_CHANGED: f"""\
A case that your force holds has changed or become more urgent.
{_ABOUT_HANDOFF}
$open_force

Let a person read it as it is now, and acknowledge it again. What your force
acknowledged before stands, but does not cover what is new. It stays yours
all the time.
{_FOOT}""",
    Template.FORCE_IMMEDIATE_DANGER: f"""\
A child may be in danger. Your force has a case from the hub, new or changed,
that a person must read NOW.
{_ABOUT_HANDOFF}
$open_force

Act on it, confirm that you have it and acknowledge it. If you cannot act on
it now, ring your force's control room:
$control_room.
Until another force has it, it stays yours.
{_FOOT}""",
    Template.FORCE_HANDOFF_OVERDUE: f"""\
The hub still waits for your force's answer to a case.
{_ABOUT_HANDOFF}Waiting for:  $leg
Was due:      $due
Reminder:     $chase

Please confirm receipt, acknowledge or decline the case now. If you do not,
the hub turns to the next level in your force.
$open_force
{_FOOT}""",
    Template.FORCE_DANGER_OVERDUE: f"""\
A child may be in danger, and the hub still waits for your force's answer to
the case. A person must read it NOW.
{_ABOUT_HANDOFF}Waiting for:  $leg
Was due:      $due
Reminder:     $chase

$open_force

If you cannot act on it now, ring your force's control room:
$control_room.
Then confirm receipt, acknowledge or decline the case. If you do not, the hub
turns to the next level in your force.
{_FOOT}""",
    Template.FORCE_HANDOFF_ESCALATED: f"""\
Your force's safeguarding team has not answered the hub's reminders about a
case. This message goes to the next level.
{_ABOUT_HANDOFF}Waiting for:  $leg
Was due:      $due
Level:        $level

Please see to it that your force confirms receipt, acknowledges or declines
the case now. A child may depend on it.
$open_force
{_FOOT}""",
    Template.FORCE_DANGER_ESCALATED: f"""\
A child may be in danger, and your force's safeguarding team has not answered
the hub about the case. This message goes to the next level: a person must
read the case NOW.
{_ABOUT_HANDOFF}Waiting for:  $leg
Was due:      $due
Level:        $level

$open_force

If you cannot act on it now, ring your force's control room:
$control_room.
Then see to it that your force confirms receipt, acknowledges or declines the
case.
{_FOOT}""",
    Template.FORCE_PROFESSIONAL_STANDARDS: f"""\
An officer at the hub has a case for your force's professional standards
department: a suspect may belong to your force.
{_ABOUT_HANDOFF}
Please ring the hub and name the referral. The case is given to you in person
and to nobody else in your force. Do not speak of it to other teams.
{_FOOT}""",
    Template.HUB_ROUTING_REVIEW_OPENED: f"""\
The routing of a case waits for a named officer.

Referral:  $referral_id

Please decide it in the routing reviews.
{_HUB_FOOT}""",
    Template.HUB_CASE_RESTRICTED: f"""\
A suspect in a case may be a police officer or work for a police force. The
case is restricted: no rule sends it to that force.

Referral:  $referral_id

A named officer must take it to that force's professional standards
department. Do not speak of it to that force's own team.
{_HUB_FOOT}""",
    Template.HUB_HANDOFF_ESCALATED: f"""\
A force has not answered, and the hand-off went to a higher level.
{_ABOUT_HANDOFF}Waiting for:  $leg
Was due:      $due
Level:        $level
{_HUB_FOOT}""",
    Template.HUB_NOTICE_FAILED: f"""\
A notice could not be delivered and is not tried again. What it was about
stands in the recipient's own topic all the same.

Recipient:  $failed_audience
Channel:    $failed_channel
Why:        $failed_code

Please mend the address in the register or tell the recipient. More may have
failed: you are told at most once in five minutes per recipient and channel.
{_HUB_FOOT}""",
    Template.HUB_DUTY_DANGER: f"""\
$what
{_ABOUT_DUTY}{_HUB_FOOT}""",
    Template.HUB_DUTY_TASK: f"""\
$what
{_ABOUT_DUTY}{_HUB_FOOT}""",
    Template.HUB_CONTACTS_PROPOSED: f"""\
Somebody proposes other duty contacts for the hub. You are called until the
change is approved.

Change:  $change

If you do not know of it, tell your security team now.
{_HUB_FOOT}""",
    Template.HUB_CONTACTS_CHANGED: f"""\
The hub's duty contacts were changed. This message goes to those before the
change: from now on the hub's alarms call the new ones.

Change:  $change

If you do not know of it, tell your security team now.
{_HUB_FOOT}""",
}

_OF_DUTY = frozenset({"kind", "task_id", "token"})
_BESIDES = {
    Template.HUB_DUTY_DANGER: _OF_DUTY,
    Template.HUB_DUTY_TASK: _OF_DUTY,
    Template.PARTNER_REFERRAL_RECEIVED: frozenset({"look_at"}),
}
"""What the computed words of a template are made from."""
TEXTS = {template: Text(text) for template, text in _TEXTS.items()}


def parameters(template: Template) -> frozenset[str]:
    """The parameters that a notice of this template carries."""
    more = _BESIDES.get(template, frozenset())
    return frozenset(TEXTS[template].get_identifiers()) - COMPUTED | more
