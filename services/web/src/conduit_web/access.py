"""Who may what: role by action by reach, and nothing that is not said here.

No I/O. When something may be done, in which state of a case and by which officer, is for the rules of the service that does
it. The table that people review is `tests/who_may_what.md`, and a test holds the two equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from conduit_web.people import Person, Role

FRESH = timedelta(minutes=5)
"""How long ago a person may have signed in who declines, breaks the glass or exports."""


class Action(StrEnum):
    """What can be done at a desk. Each route names one."""

    SIGN_IN = "sign in"
    SIGN_OUT = "sign out"
    HAVE_SESSIONS_ENDED = "have sessions ended by their provider"
    MANAGE_OWN_SESSIONS = "see and end one's own sessions"
    MANAGE_OWN_PASSKEYS = "make and remove one's own passkeys"

    LIST_CASES = "list cases"
    VIEW_CASE = "view a case"
    FETCH_ATTACHMENT = "fetch an attachment"
    BREAK_GLASS = "break the glass of a restricted case"
    CLAIM_REVIEW = "claim a review or hand it back"
    WRITE_DECISION = "write a decision, before it is sent"
    ACCEPT = "accept"
    DECLINE = "decline"
    ASK_FOR_INFORMATION = "ask a partner for information"
    NAME_HOME_FORCE = "name the home force or an interim owner"
    REROUTE = "give a hand-off to another force"
    STAND_DOWN = "end a force's part"
    SEND_TO_PROFESSIONAL_STANDARDS = "send a case to professional standards"
    CHASE = "chase or escalate a hand-off"
    RECORD_ACKNOWLEDGEMENT = "record an acknowledgement by telephone"
    RECORD_CALL = "record a call with a force or a partner"
    TAKE_DUTY_TASK = "take a duty task"
    ASK_SECOND_OPINION = "ask another officer before deciding"
    GIVE_SECOND_OPINION = "say what one thinks of another's decision"
    REASSIGN = "give a review to another officer"
    NAME_OFFICERS = "name the officers of a restricted case"
    EXPORT_CASE = "export a case"
    READ_TRAIL = "read who viewed and did what"

    MANAGE_RETENTION = "hold and release records"
    ANSWER_DATA_SUBJECT = "answer a data subject"
    VIEW_FIGURES = "view figures"
    RELEASE_FIGURES = "release figures"
    MANAGE_ENGAGEMENT = "keep partners and agreements"
    EXPORT_ENGAGEMENT = "export what is known of partnership work"
    LOOK_UP_OFFERS = "look up what organisations offer"
    TAKE_PART = "take part in partnership work"
    CONSIDER_INSIGHT = "consider what was heard, and answer it"
    OFFER_INSIGHT = "offer insight, and see what came of it"
    VIEW_FOUR_PS = "see the four Ps by quarter"
    KEEP_MEASURES = "keep the measures of the four Ps"
    SAY_HOW_HAND_OVER_WENT = "say how a hand-over went"
    ASK_PRACTICE_QUESTION = "ask how to handle something, without a referral"
    ANSWER_PRACTICE_QUESTION = "answer what partners ask without a referral"
    JOIN_PRACTICE_QUESTION = "take part where one's force was brought into what a partner asks"
    WRITE_ADVICE = "write national advice, and see what forces make of it"
    PUBLISH_ADVICE = "publish national advice, and withdraw it"
    READ_ADVICE = "read national advice, and say what one's force makes of it"
    FETCH_CALENDAR = "fetch a calendar by its address"
    KEEP_EXPERIENCE = "keep what people with lived experience tell"
    READ_EXPERIENCE = "read what people with lived experience tell"
    MANAGE_PAYMENTS = "keep payments for lived experience"
    MANAGE_PEOPLE = "say who belongs to what"
    END_SESSIONS = "end another person's sessions"

    REFER = "refer a case"
    ADD_INFORMATION = "add information"
    WITHDRAW = "withdraw a referral"
    ASK_FOR_SECOND_LOOK = "ask for a second look"

    ACKNOWLEDGE = "acknowledge a case"
    RETURN_CASE = "say that a case is not one's own"


class Reach(StrEnum):
    """What a role may do something to."""

    OWN = "own"
    """What is the person's alone, such as a session."""
    ORGANISATION = "organisation"
    """What the person's partner sent, or its people."""
    FORCE = "force"
    """Cases of which the person's force has a part, or its people."""
    ALL = "all"
    """Whatever the hub holds."""


class Restriction(StrEnum):
    """What a restricted case asks of the hub's people."""

    NONE = "none"
    """This shows nothing of what the case says, or is the way in."""
    NAMED_OR_GLASS_BROKEN = "named or glass broken"
    NAMED = "named"
    """Who broke the glass may look, and no more."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do one thing, and what is asked of them. Who is not named may not."""

    reach: Mapping[Role, Reach]
    anonymous: bool = False
    content: bool = False
    """It shows what people wrote about people, or acts on it."""
    sensitive: bool = False
    """It shows no content, and yet asks for a second factor: it says who may see content, or what became of it."""
    fresh: bool = False
    restriction: Restriction = Restriction.NONE


@dataclass(frozen=True, slots=True)
class Target:
    """What something is done to. The default is nothing in particular, which is nobody's own."""

    partner_id: str | None = None
    force_ids: frozenset[str] = frozenset()
    """Forces whose team has a part. One whose professional standards department has the case is not among them."""
    person_id: str | None = None
    restricted: bool = False
    named: frozenset[str] = frozenset()
    """The officers, by person_id, to whom a restricted case is open."""
    glass_broken_by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Proof:
    """How a person signed in."""

    second_factor: bool
    signed_in_at: datetime | None
    """When the provider last asked for credentials; None where it does not say, which is never fresh."""
    level: str | None = None
    """What the provider calls it: its `acr`, or, where it says none, the `amr` that counts. It decides nothing."""

    def is_fresh(self, now: datetime) -> bool:
        """Whether credentials were asked for within `FRESH`."""
        return self.signed_in_at is not None and now - self.signed_in_at <= FRESH


class Access(StrEnum):
    """The answer to who asks."""

    ALLOWED = "allowed"
    SIGN_IN = "sign in"
    SECOND_FACTOR = "second factor"
    FRESH_SIGN_IN = "fresh sign-in"
    GLASS = "glass"
    """The case is restricted and, for this, not open to this person, who may break the glass to look."""
    REFUSED = "refused"
    """This role never may, whatever it is done to."""
    MISSING = "missing"
    """Another's. The answer is that of something that does not exist."""


def decide(action: Action, person: Person | None, proof: Proof | None, target: Target | None, now: datetime) -> Access:
    """Whether this person, signed in like this, may do this to that. A `target` of None does not exist."""
    if RULES[action].anonymous:
        return Access.ALLOWED
    if person is None or proof is None:
        return Access.SIGN_IN
    if not reaches_of(action, person):
        return Access.REFUSED
    if needs_second_factor(person) and not proof.second_factor:
        return Access.SECOND_FACTOR
    return _decide_on(action, person, target, fresh=proof.is_fresh(now))


def _decide_on(action: Action, person: Person, target: Target | None, *, fresh: bool) -> Access:
    rule, reaches = RULES[action], reaches_of(action, person)
    if target is None or not any(_is_within(reach, person, target) for reach in reaches):
        return Access.MISSING
    if Reach.ALL in reaches and not _is_open(rule.restriction, person, target):
        return Access.GLASS
    return Access.FRESH_SIGN_IN if rule.fresh and not fresh else Access.ALLOWED


def reaches_of(action: Action, person: Person) -> frozenset[Reach]:
    """How far this person's roles go in this action: a list of cases is made by it."""
    rule = RULES[action]
    return frozenset(rule.reach[role] for role in person.roles if role in rule.reach)


def may_name(by: str, officer_id: str) -> bool:
    """Whether somebody may open a restricted case to that officer. Nobody does to themselves: that is to break the glass."""
    return by != officer_id


def needs_second_factor(person: Person) -> bool:
    """Whether this person must sign in with more than one factor, whatever is done."""
    return not person.roles.isdisjoint(SECOND_FACTOR_ROLES)


def _is_within(reach: Reach, person: Person, target: Target) -> bool:
    match reach:
        case Reach.ALL:
            return True
        case Reach.ORGANISATION:
            return person.partner_id is not None and person.partner_id == target.partner_id
        case Reach.FORCE:
            return person.force_id is not None and person.force_id in target.force_ids
        case Reach.OWN:
            return person.person_id == target.person_id


def _is_open(restriction: Restriction, person: Person, target: Target) -> bool:
    if not target.restricted or restriction is Restriction.NONE or person.person_id in target.named:
        return True
    return restriction is Restriction.NAMED_OR_GLASS_BROKEN and person.person_id in target.glass_broken_by


def _all(*roles: Role) -> dict[Role, Reach]:
    return dict.fromkeys(roles, Reach.ALL)


_EVERYBODY_OWN = dict.fromkeys(Role, Reach.OWN)
_OFFICERS = _all(Role.OFFICER, Role.SUPERVISOR)
_READERS = _all(Role.OFFICER, Role.SUPERVISOR, Role.DATA_PROTECTION_OFFICER)
_PARTNER = {Role.PARTNER_CASEWORKER: Reach.ORGANISATION, Role.PARTNER_MANAGER: Reach.ORGANISATION}
_FORCE = {Role.FORCE_TEAM: Reach.FORCE, Role.FORCE_SINGLE_POINT_OF_CONTACT: Reach.FORCE}
_MANAGERS = {
    Role.ADMINISTRATOR: Reach.ALL,
    Role.PARTNER_MANAGER: Reach.ORGANISATION,
    Role.FORCE_SINGLE_POINT_OF_CONTACT: Reach.FORCE,
}
_FIGURES = _all(
    Role.SUPERVISOR,
    Role.AUDITOR,
    Role.LEAD,
    Role.ENGAGEMENT_OFFICER,
    Role.RECORDS_MANAGER,
    Role.DATA_PROTECTION_OFFICER,
)
_ENGAGEMENT = _all(Role.LEAD, Role.ENGAGEMENT_OFFICER)
_TAKING_PART = {Role.PARTNER_MANAGER: Reach.ORGANISATION, Role.FORCE_SINGLE_POINT_OF_CONTACT: Reach.FORCE}
_TRAIL = _all(Role.SUPERVISOR, Role.AUDITOR, Role.RECORDS_MANAGER, Role.DATA_PROTECTION_OFFICER)


def _decision(*, fresh: bool = False) -> Rule:
    return Rule(_OFFICERS, content=True, fresh=fresh, restriction=Restriction.NAMED)


_SHOWN = Rule(_READERS | _PARTNER | _FORCE, content=True, restriction=Restriction.NAMED_OR_GLASS_BROKEN)

RULES: Mapping[Action, Rule] = MappingProxyType(
    {
        Action.SIGN_IN: Rule({}, anonymous=True),
        Action.SIGN_OUT: Rule({}, anonymous=True),
        Action.HAVE_SESSIONS_ENDED: Rule({}, anonymous=True),
        Action.MANAGE_OWN_SESSIONS: Rule(_EVERYBODY_OWN),
        Action.MANAGE_OWN_PASSKEYS: Rule({Role.OFFICER: Reach.OWN, Role.SUPERVISOR: Reach.OWN}, sensitive=True, fresh=True),
        Action.LIST_CASES: Rule(_READERS | _PARTNER | _FORCE, content=True),
        Action.VIEW_CASE: _SHOWN,
        Action.FETCH_ATTACHMENT: _SHOWN,
        Action.BREAK_GLASS: Rule(_READERS, content=True, fresh=True),
        Action.CLAIM_REVIEW: _decision(),
        Action.WRITE_DECISION: _decision(),
        Action.ACCEPT: _decision(),
        Action.DECLINE: _decision(fresh=True),
        Action.ASK_FOR_INFORMATION: _decision(),
        Action.NAME_HOME_FORCE: _decision(),
        Action.REROUTE: _decision(),
        Action.STAND_DOWN: _decision(),
        Action.SEND_TO_PROFESSIONAL_STANDARDS: _decision(),
        Action.CHASE: _decision(),
        Action.RECORD_ACKNOWLEDGEMENT: _decision(),
        Action.RECORD_CALL: _decision(),
        Action.TAKE_DUTY_TASK: Rule(_OFFICERS, content=True),
        Action.ASK_SECOND_OPINION: _decision(),
        Action.GIVE_SECOND_OPINION: _decision(),
        Action.REASSIGN: Rule(_all(Role.SUPERVISOR), content=True),
        Action.NAME_OFFICERS: Rule(_all(Role.SUPERVISOR), content=True),
        Action.EXPORT_CASE: Rule(
            _all(Role.SUPERVISOR, Role.DATA_PROTECTION_OFFICER), content=True, fresh=True, restriction=Restriction.NAMED
        ),
        Action.READ_TRAIL: Rule(_TRAIL, sensitive=True),
        Action.MANAGE_RETENTION: Rule(_all(Role.RECORDS_MANAGER), sensitive=True),
        Action.ANSWER_DATA_SUBJECT: Rule(
            _all(Role.DATA_PROTECTION_OFFICER), content=True, restriction=Restriction.NAMED_OR_GLASS_BROKEN
        ),
        Action.VIEW_FIGURES: Rule(_FIGURES),
        Action.RELEASE_FIGURES: Rule(_all(Role.LEAD)),
        Action.MANAGE_ENGAGEMENT: Rule(_ENGAGEMENT, content=True),
        Action.EXPORT_ENGAGEMENT: Rule(_ENGAGEMENT, content=True, fresh=True),
        Action.LOOK_UP_OFFERS: Rule(_OFFICERS | _ENGAGEMENT | _FORCE),
        Action.TAKE_PART: Rule(_TAKING_PART, content=True),
        Action.CONSIDER_INSIGHT: Rule(_ENGAGEMENT, content=True),
        Action.OFFER_INSIGHT: Rule({Role.PARTNER_MANAGER: Reach.ORGANISATION}, content=True),
        Action.VIEW_FOUR_PS: Rule(_ENGAGEMENT, content=True),
        Action.KEEP_MEASURES: Rule(_ENGAGEMENT, content=True),
        Action.SAY_HOW_HAND_OVER_WENT: Rule(_PARTNER, content=True),
        Action.ASK_PRACTICE_QUESTION: Rule(_PARTNER, content=True),
        Action.ANSWER_PRACTICE_QUESTION: Rule(_OFFICERS, content=True),
        Action.JOIN_PRACTICE_QUESTION: Rule(_FORCE, content=True),
        Action.WRITE_ADVICE: Rule(_all(Role.OFFICER) | _ENGAGEMENT, content=True),
        Action.PUBLISH_ADVICE: Rule(_all(Role.LEAD), content=True),
        Action.READ_ADVICE: Rule(_FORCE, content=True),
        Action.FETCH_CALENDAR: Rule({}, anonymous=True),
        Action.KEEP_EXPERIENCE: Rule(_ENGAGEMENT, content=True),
        Action.READ_EXPERIENCE: Rule(_OFFICERS | _ENGAGEMENT | _PARTNER | _FORCE, content=True),
        Action.MANAGE_PAYMENTS: Rule(_all(Role.FINANCE)),
        Action.MANAGE_PEOPLE: Rule(_MANAGERS, sensitive=True),
        Action.END_SESSIONS: Rule(_MANAGERS, sensitive=True),
        Action.REFER: Rule(_PARTNER, content=True),
        Action.ADD_INFORMATION: Rule(_PARTNER, content=True),
        Action.WITHDRAW: Rule(_PARTNER, content=True),
        Action.ASK_FOR_SECOND_LOOK: Rule(_PARTNER, content=True),
        Action.ACKNOWLEDGE: Rule(_FORCE, content=True),
        Action.RETURN_CASE: Rule(_FORCE, content=True),
    }
)

SECOND_FACTOR_ROLES = frozenset(role for rule in RULES.values() if rule.content or rule.sensitive for role in rule.reach)
"""Every role that sees content, and those who say who may see it or what became of it."""
