"""What is signed: a command as its service would take it, of somebody who is in the register now and may give it. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from conduit_chassis.people import KnownPeople
from conduit_chassis.signed import check_standing
from conduit_contracts import passkeys
from conduit_contracts.attributes import Attributes
from conduit_contracts.envelope import Command, Undecodable, read_message
from conduit_contracts.passkeys import Answered, check_passkey, goes_back
from conduit_contracts.problems import Problem, sender_problem
from conduit_contracts.signature import LEEWAY, Attribute, Name, Seconds, Signable, SignatureRefusedError, SignedIn, sign
from conduit_contracts.signing_keys import SigningKey
from conduit_contracts.topics import REGISTRY
from conduit_contracts.triage import DecideReview, ReviewOutcome

FRESH = timedelta(minutes=6)
"""How long ago an officer may have signed in who declines: what a desk asks for, and a minute to act on it."""
MOST_BYTES = 256 * 1024
_MODELS: dict[tuple[str, str], type[Any]] = {
    (topic.name(), message.type): message for topic in REGISTRY if topic.signed for message in topic.messages
}


class SignatureAsked(BaseModel):
    """What the console asks to have signed, and for whom it vouches that this person sat there."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    topic: Attribute
    ce_id: Attribute
    ce_type: Attribute
    ce_source: Attribute
    value: Annotated[str, StringConstraints(max_length=MOST_BYTES)]
    """The record's value, as it will be sent: one JSON object."""
    iss: Name
    sub: Name
    acr: Name
    auth_time: Seconds = Field(description="When the provider last asked for credentials, in seconds since 1970.")
    passkey: Annotated[str, StringConstraints(max_length=passkeys.MOST_BYTES)] | None = None
    """What the officer's passkey answered, as its header will be sent."""


class NotSignedError(Exception):
    """It is not signed. The problems hold nothing of what was asked."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(", ".join(each.code for each in problems))
        self.problems = problems


class PasskeyCounts:
    """How often each passkey said that it had been used, since this process began. What cannot count says 0."""

    def __init__(self) -> None:
        self._last: dict[str, Answered] = {}

    def take(self, answered: Answered) -> None:
        """Raises SignatureRefusedError where the count did not rise. The same answer may be shown again."""
        passkey = answered.assertion.credential_id
        before = self._last.get(passkey)
        if before is not None and before != answered and goes_back(answered.uses, before.uses):
            raise SignatureRefusedError("passkey_count", passkeys.HEADER)
        self._last[passkey] = answered


def signature_for(
    asked: SignatureAsked, people: KnownPeople, key: SigningKey, counts: PasskeyCounts, now: datetime
) -> tuple[str, Signable]:
    """The signature, and what it is of.

    Raises:
        NotSignedError: it is no command that its service would take as it is, or not from an officer's fresh enough sign-in.
        SignatureRefusedError: the register says that this person does not decide, or their passkey did not sign.
    """
    command = command_of(asked)
    attributes = Attributes(asked.ce_id, asked.ce_source, asked.ce_type, now)
    signable = Signable.of(command, attributes, asked.topic, asked.value.encode())
    officer = check_standing(people, asked.iss, asked.sub, signable.officer_id)
    signed_in = datetime.fromtimestamp(asked.auth_time, UTC)
    if problem := _sign_in_problem(command, signed_in, now):
        raise NotSignedError((problem,))
    answered = check_passkey(asked.passkey, officer, command, signable, now)
    if answered is not None:
        counts.take(answered)
    return sign(signable, SignedIn(asked.iss, asked.sub, asked.acr, signed_in), key, now), signable


def command_of(asked: SignatureAsked) -> Command:
    """The command, read as its service reads it.

    Raises:
        NotSignedError: with every problem found.
    """
    model = _MODELS.get((asked.topic, asked.ce_type))
    if model is None:
        raise NotSignedError((sender_problem("type_not_accepted", "ce_type"),))
    try:
        command = read_message(model, asked.value.encode("utf-8", "surrogatepass"), closed=True)
    except Undecodable as error:
        raise NotSignedError(error.problems) from None
    if not isinstance(command, Command) or not _says_what_was_seen(command):
        said = "Nothing is signed that does not say how current the officer's page was. Send seen_until, or seen_version."
        raise NotSignedError((sender_problem("field_missing", "seen_until", said),))
    return command


def _says_what_was_seen(command: Command) -> bool:
    """By either: `seen_version` has a claim of its own, `seen_until` is covered by the digest of the value."""
    return any(getattr(command, name, None) is not None for name in ("seen_version", "seen_until"))


def _sign_in_problem(command: Command, signed_in: datetime, now: datetime) -> Problem | None:
    if signed_in > now + LEEWAY:
        return sender_problem("sign_in_in_the_future", "auth_time", "This sign-in has not happened yet. Look at the clocks.")
    declines = isinstance(command, DecideReview) and command.outcome is ReviewOutcome.DECLINE
    if declines and now - signed_in > FRESH:
        said = "Who declines has just signed in. Ask the officer to sign in again."
        return sender_problem("sign_in_again", "auth_time", said)
    return None
