"""Those of the hub's rules that need nothing only the hub knows: the same codes, fields and texts.

The hub also looks at its register (is the partner suspended, is the Memorandum of Understanding in force?) and at what it
holds (is the reference taken, is the place known?). Those answers come as `SubmissionRejected`.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from conduit_contracts.danger import danger_first
from conduit_contracts.days import days_to_come
from conduit_contracts.entry import entry_problems
from conduit_contracts.envelope import Undecodable, decode
from conduit_contracts.kits.submission import PartnerMessage, Submission
from conduit_contracts.partner import InformationSupplied, ReferralSubmitted
from conduit_contracts.problems import Problem, sender_problem
from conduit_contracts.referral import Referral, Supplement
from conduit_contracts.topics import PARTNER_REFERRALS

MAX_BYTES = 262_144
"""The most that the hub accepts by default as one record's value."""
CLOCK_TOLERANCE = timedelta(minutes=5)
_AHEAD_OF_UTC = timedelta(hours=1)
"""How much earlier the hub's day may have begun: not every machine that runs the kit has a table of time zones."""
MOST_PROBLEMS = 20
_ACCEPT = {message.type: message for message in PARTNER_REFERRALS.messages}

_TEXTS = {
    "identity_mismatch": "This is not the partner whose topic or account this came from. Send only your own submissions, "
    "with your own partner_id.",
    "referral_too_large": "This is larger than the hub allows. Shorten it, or send the rest later as added information.",
    "time_in_future": (
        "This is in the future. Correct it, or your clock or time zone. Then send this again with a new ce_id."
    ),
    "local_id_repeated": "This id is used more than once here. Give each person and each place an id of its own.",
}
"""The same texts as intake's; a test compares them."""


def check(partner_id: str, submission: Submission, now: datetime | None = None) -> tuple[Problem, ...]:
    """The problems that the hub would answer this record with at once; empty if nothing is wrong that can be known here."""
    return danger_first(_found(partner_id, submission, now), submission.value)


def _found(partner_id: str, submission: Submission, now: datetime | None) -> tuple[Problem, ...]:
    try:
        _, message = decode(submission.headers, submission.value, _ACCEPT, closed=True, again=True)
    except Undecodable as error:
        return error.problems
    return check_content(partner_id, message, len(submission.value), now)  # type: ignore[arg-type]  # by _ACCEPT


def check_content(partner_id: str, message: PartnerMessage, size: int, now: datetime | None = None) -> tuple[Problem, ...]:
    """The same for a message that is valid in itself; `size` is that of its JSON, in bytes."""
    now = now or datetime.now(UTC)
    refused_at_entry = entry_problems(message)
    if refused_at_entry:
        return refused_at_entry
    path, claimed = _identity(message)
    if claimed != partner_id:
        return (_problem("identity_mismatch", f"{path}partner_id"),)
    return (*_too_large(message, size), *_in_future(message, now), *_repeated_ids(message))


def _identity(message: PartnerMessage) -> tuple[str, str]:
    match message:
        case ReferralSubmitted(referral=referral):
            return "referral.", referral.partner_id
        case InformationSupplied(supplement=supplement):
            return "supplement.", supplement.partner_id
        case _:
            return "", message.partner_id


def _too_large(message: PartnerMessage, size: int) -> list[Problem]:
    limited = isinstance(message, ReferralSubmitted | InformationSupplied)
    return [_problem("referral_too_large", "value")] if limited and size > MAX_BYTES else []


def _in_future(message: PartnerMessage, now: datetime) -> list[Problem]:
    told: Referral | Supplement
    match message:
        case ReferralSubmitted(referral=referral):
            told, path, field, moment = referral, "referral.", "reported_at", referral.reported_at
        case InformationSupplied(supplement=supplement):
            told, path, field, moment = supplement, "supplement.", "supplied_at", supplement.supplied_at
        case _:
            return []
    latest = now + CLOCK_TOLERANCE
    to_come = [*days_to_come(told, (latest + _AHEAD_OF_UTC).date())]
    found = [field, *to_come] if moment > latest else to_come
    return [_problem("time_in_future", f"{path}{each}") for each in found][:MOST_PROBLEMS]


def _repeated_ids(message: PartnerMessage) -> list[Problem]:
    """Only added information needs this check: in a referral the model itself refuses repeated ids."""
    if not isinstance(message, InformationSupplied):
        return []
    return list(_repeats(message.supplement))[:MOST_PROBLEMS]


def _repeats(supplement: Supplement) -> Iterator[Problem]:
    yield from _twice([person.person_id for person in supplement.persons], "supplement.persons[{}].person_id")
    yield from _twice([place.place_id for place in supplement.places], "supplement.places[{}].place_id")


def _twice(ids: Sequence[str], field: str) -> Iterator[Problem]:
    for index, local_id in enumerate(ids):
        if local_id in ids[:index]:
            yield _problem("local_id_repeated", field.format(index))


def _problem(code: str, field: str) -> Problem:
    return sender_problem(code, field, _TEXTS[code])
