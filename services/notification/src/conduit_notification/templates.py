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
    HUB_GLASS_BROKEN = "hub_glass_broken"
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
    {
        *("referral_id", "open_partner", "open_force", "next_step", "reading", "control_room", "what", "do", "take"),
        *("to_do", "taken_on"),
    }
)
"""Fields that are filled in when the text is written: ids, ways and words that follow from the notice and the settings."""

SUBJECT = Text("Referral conduit: $reference")
SUBJECTS = {
    Template.PARTNER_IMMEDIATE_DANGER: Text("CALL 999 - a child is in danger: $reference"),
    Template.PARTNER_DANGER_REJECTED: Text("CALL 999 - a child is in danger, and the hub could not process: $reference"),
    Template.PARTNER_DANGER_DEFERRED: Text("CALL 999 - a child is in danger, and no police force has this yet: $reference"),
    Template.FORCE_IMMEDIATE_DANGER: Text("IMMEDIATE DANGER - read now: $reference"),
    Template.FORCE_DANGER_OVERDUE: Text("IMMEDIATE DANGER - answer now: $reference"),
    Template.FORCE_DANGER_ESCALATED: Text("IMMEDIATE DANGER - not answered: $reference"),
    Template.HUB_GLASS_BROKEN: Text("A restricted case was opened: $reference"),
    Template.HUB_DUTY_DANGER: Text("IMMEDIATE DANGER - duty task, take it now: $reference"),
    Template.HUB_DUTY_TASK: Text("Duty task: $reference"),
    Template.HUB_CONTACTS_PROPOSED: Text("A change to the hub's duty contacts has been proposed"),
    Template.HUB_CONTACTS_CHANGED: Text("The hub's duty contacts have been changed"),
}
"""Where a child is in danger the subject says so: it must not look like routine mail."""
IN_DANGER = frozenset(each for each in Template if "danger" in each.value)
NOT_GIVEN = "not given"
"""Stands for a parameter that is empty."""

_FOOT = """
This is an automatic message. It contains no details of the case.
Replies are not read.$reading
"""
_HUB_FOOT = """
This is an automatic message. It contains no details of the case.
"""
_ABOUT_REFERRAL = """
Your reference:  $partner_reference
Referral ID:     $referral_id
Status:          $state
"""
_ABOUT_SUBMISSION = """
Your reference:  $partner_reference
Submission:      $submission_id
"""
_ABOUT_HANDOFF = """
Referral ID:  $referral_id
Force:        $force_id
"""
_SEE = """
$open_partner
"""
_IF_IN_DANGER = "If a child is in immediate danger, now or later, call 999."
_ABOUT_DUTY = """
Partner:            $partner_id
Partner reference:  $partner_reference
Referral ID:        $about_referral
Force:              $force_id
Reasons:            $codes
Control rooms:      $ring

$do

$take
"""

_TEXTS = {
    Template.PARTNER_REFERRAL_RECEIVED: f"""\
We have received your referral and are now responsible for it.
{_ABOUT_REFERRAL}
$to_do
{_IF_IN_DANGER}
{_SEE}{_FOOT}""",
    Template.PARTNER_IMMEDIATE_DANGER: f"""\
$next_step

We have received what you sent. It says that a child is in immediate danger,
and we are treating it that way. You must still call 999 yourself.
{_ABOUT_REFERRAL}{_SEE}{_FOOT}""",
    Template.PARTNER_SUBMISSION_REJECTED: f"""\
We could not process something you sent, and have not stored it.
{_ABOUT_SUBMISSION}
Your updates list the problems. For each one, they name the field and say
what to do. Correct the problems and send it again.

We may have rejected other submissions too. We e-mail you about rejected
submissions at most once every 5 minutes, but each one is in your updates.

If a child is in danger, call 999 now.
{_FOOT}""",
    Template.PARTNER_DANGER_REJECTED: f"""\
A child is in danger: call 999 now.

We could not process what you sent, and have not stored it. No police force
will hear about it from the hub.
{_ABOUT_SUBMISSION}
After you have called 999, correct the problems listed in your updates and
send it again.
{_FOOT}""",
    Template.PARTNER_DANGER_DEFERRED: f"""\
A child is in danger: call 999 now.

What you sent has not taken effect. It is waiting for the referral it belongs
to, or for something you sent before it. Until then, no police force will hear
about it from the hub.
{_ABOUT_SUBMISSION}
After you have called 999, send the referral if you have not sent it yet. Your
updates will say what happens to what you sent.
{_FOOT}""",
    Template.PARTNER_INFORMATION_REQUESTED: f"""\
An officer at the hub needs more information about your referral.
{_ABOUT_REFERRAL}
Please read the question in your updates and add your answer to the referral.
The review stays open in the meantime.
{_SEE}{_FOOT}""",
    Template.PARTNER_REFERRAL_ACCEPTED: f"""\
We have accepted your referral. Your next updates will say which police forces
have it. Each force must confirm that it has received its part. If no force
has it yet, we will tell you.
{_ABOUT_REFERRAL}
You do not need to do anything unless an update asks you to. We will tell you
when every force has acknowledged the referral.
{_IF_IN_DANGER}
{_SEE}{_FOOT}""",
    Template.PARTNER_NO_FORCE_YET: f"""\
No police force has your referral yet, because what was sent does not settle
which force can have it. A named officer at the hub will decide. Your updates
will tell you when a force has the case.
{_ABOUT_REFERRAL}
If you know where it happened, or where a child is, add that to the referral
with the district code.
If a child is in danger, call 999 now.
{_SEE}{_FOOT}""",
    Template.PARTNER_REFERRAL_DECLINED: f"""\
A named officer at the hub has declined your referral.
{_ABOUT_REFERRAL}
Please read your updates. They give the reason. They also say what you can do
instead, and whether you can ask for a second officer to look at it.
{_IF_IN_DANGER}
{_SEE}{_FOOT}""",
    Template.PARTNER_CASE_HANDED_OVER: f"""\
Every police force concerned has acknowledged your referral.
$taken_on
{_ABOUT_REFERRAL}
If you learn more, add it to the referral. The forces it concerns will receive
it.
{_SEE}{_FOOT}""",
    Template.FORCE_CASE_DISSEMINATED: f"""\
The hub has sent your force a case.
{_ABOUT_HANDOFF}
$open_force

Please confirm that you have received the case, and acknowledge it once a
person has read it. If it is not for your force, decline it and say why. It
stays your force's responsibility until another force has it.
{_FOOT}""",
    Template.FORCE_CASE_CHANGED: f"""\
A case that your force holds has changed or become more urgent.
{_ABOUT_HANDOFF}
$open_force

A person must read the case as it is now and acknowledge it again. Anything
your force acknowledged before still stands, but does not cover what is new.
The case stays your force's responsibility throughout.
{_FOOT}""",
    Template.FORCE_IMMEDIATE_DANGER: f"""\
A child may be in danger. The hub has sent your force a case, new or changed,
that a person must read NOW.
{_ABOUT_HANDOFF}
$open_force

Act on the case, confirm that you have received it and acknowledge it. If you
cannot act on it now, call your force's control room:
$control_room.
The case stays your force's responsibility until another force has it.
{_FOOT}""",
    Template.FORCE_HANDOFF_OVERDUE: f"""\
The hub is still waiting for your force's answer about a case.
{_ABOUT_HANDOFF}Waiting for:  $leg
Was due:      $due
Reminder:     $chase

Please confirm receipt, acknowledge or decline the case now. If you do not,
the hub will contact the next level in your force.
$open_force
{_FOOT}""",
    Template.FORCE_DANGER_OVERDUE: f"""\
A child may be in danger, and the hub is still waiting for your force's answer
about the case. A person must read it NOW.
{_ABOUT_HANDOFF}Waiting for:  $leg
Was due:      $due
Reminder:     $chase

$open_force

If you cannot act on it now, call your force's control room:
$control_room.
Then confirm receipt, acknowledge or decline the case. If you do not, the hub
will contact the next level in your force.
{_FOOT}""",
    Template.FORCE_HANDOFF_ESCALATED: f"""\
Your force's safeguarding team has not answered the hub's reminders about a
case. The hub is now contacting the next level.
{_ABOUT_HANDOFF}Waiting for:  $leg
Was due:      $due
Level:        $level

Please make sure that your force confirms receipt, acknowledges or declines
the case now. A child's safety may depend on it.
$open_force
{_FOOT}""",
    Template.FORCE_DANGER_ESCALATED: f"""\
A child may be in danger, and your force's safeguarding team has not answered
the hub about the case. The hub is now contacting the next level: a person
must read the case NOW.
{_ABOUT_HANDOFF}Waiting for:  $leg
Was due:      $due
Level:        $level

$open_force

If you cannot act on it now, call your force's control room:
$control_room.
Then make sure that your force confirms receipt, acknowledges or declines the
case.
{_FOOT}""",
    Template.FORCE_PROFESSIONAL_STANDARDS: f"""\
An officer at the hub has a case for your force's professional standards
department: a suspect may belong to your force.
{_ABOUT_HANDOFF}
Please call the hub and quote the referral ID. The hub will give the case to
you in person, and to nobody else in your force. Do not discuss it with other
teams.
{_FOOT}""",
    Template.HUB_ROUTING_REVIEW_OPENED: f"""\
A case is waiting for a named officer's decision on where it goes.

Referral ID:  $referral_id

Please decide it in the routing reviews.
{_HUB_FOOT}""",
    Template.HUB_CASE_RESTRICTED: f"""\
A suspect in a case may be a police officer or work for a police force. The
case is restricted: no rule sends it to that force.

Referral ID:  $referral_id

A named officer must take the case to that force's professional standards
department. Do not discuss it with that force's own team.
{_HUB_FOOT}""",
    Template.HUB_GLASS_BROKEN: f"""\
Somebody opened a restricted case without being named for it. They may look
at it and no more, until the time below.

Referral ID:  $referral_id
Reason:       $codes
Open until:   $due

Please look at the console's trail now: it says who it was. If the reason does
not hold, act as your procedures for a breach of confidence say.
{_HUB_FOOT}""",
    Template.HUB_HANDOFF_ESCALATED: f"""\
A force has not answered, so the hub has escalated the hand-off to a higher
level.
{_ABOUT_HANDOFF}Waiting for:  $leg
Was due:      $due
Level:        $level
{_HUB_FOOT}""",
    Template.HUB_NOTICE_FAILED: f"""\
A notice could not be delivered, and the hub will not try again. The recipient
can still read the facts behind it on its own topic.

Recipient:  $failed_audience
Channel:    $failed_channel
Reason:     $failed_code

Please correct the address in the register, or tell the recipient yourself.
More notices may have failed: you get at most one of these messages every
5 minutes for each recipient and channel.
{_HUB_FOOT}""",
    Template.HUB_DUTY_DANGER: f"""\
$what
{_ABOUT_DUTY}{_HUB_FOOT}""",
    Template.HUB_DUTY_TASK: f"""\
$what
{_ABOUT_DUTY}{_HUB_FOOT}""",
    Template.HUB_CONTACTS_PROPOSED: f"""\
Someone has proposed a change to the hub's duty contacts. You stay a duty
contact until the change is approved.

Change:  $change

If you did not expect this, tell your security team now.
{_HUB_FOOT}""",
    Template.HUB_CONTACTS_CHANGED: f"""\
The hub's duty contacts have been changed. You were a duty contact before the
change. From now on, the hub's alarms go to the new contacts.

Change:  $change

If you did not expect this, tell your security team now.
{_HUB_FOOT}""",
}

_OF_DUTY = frozenset({"kind", "task_id", "token"})
_BESIDES = {
    Template.HUB_DUTY_DANGER: _OF_DUTY,
    Template.HUB_DUTY_TASK: _OF_DUTY,
    Template.PARTNER_REFERRAL_RECEIVED: frozenset({"look_at"}),
    Template.PARTNER_CASE_HANDED_OVER: frozenset({"by_telephone"}),
}
"""What the computed words of a template are made from."""
TEXTS = {template: Text(text) for template, text in _TEXTS.items()}


def parameters(template: Template) -> frozenset[str]:
    """The parameters that a notice of this template carries."""
    more = _BESIDES.get(template, frozenset())
    return frozenset(TEXTS[template].get_identifiers()) - COMPUTED | more
