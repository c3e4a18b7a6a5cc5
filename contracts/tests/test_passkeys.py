"""An officer's passkey signs one decision and no other, on the console's own page, with its holder there."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest

from conduit_contracts import routing
from conduit_contracts.attributes import Attributes
from conduit_contracts.envelope import Command, dump
from conduit_contracts.ids import uuid7
from conduit_contracts.passkeys import (
    HEADER,
    MOST_BYTES,
    Answered,
    asks_passkey,
    challenge_of,
    check_passkey,
    offer_text,
    passkey_of,
    read_offer,
)
from conduit_contracts.programme import HubPersonRegistered, HubRole, Passkey
from conduit_contracts.referral import Ground
from conduit_contracts.signature import CODES, Signable, SignatureRefusedError
from conduit_contracts.topics import ROUTING_REVIEWS, TRIAGE_REVIEWS
from conduit_contracts.triage import DecideReview, DeclineReason, ReviewOutcome
from tests.support.authenticator import PRESENT, VERIFIED, Authenticator

NOW = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
MINE = Authenticator()


def officer(*passkeys: Passkey) -> HubPersonRegistered:
    return HubPersonRegistered(
        person_id="p-0k3v9x2m7qpw4r8t",
        issuer="https://login.hub.example",
        subject="8f2c",
        valid_from=NOW,
        roles=(HubRole.OFFICER,),
        officer_id="a.okafor",
        passkeys=passkeys,
    )


def decline(**changes: Any) -> DecideReview:
    given: dict[str, Any] = {"outcome": ReviewOutcome.DECLINE, "decline_reason": DeclineReason.NOT_COMPLEX, "comment": "c"}
    return DecideReview(referral_id=uuid7(), officer_id="a.okafor", seen_until=NOW, **given | changes)


def accept() -> DecideReview:
    return decline(outcome=ReviewOutcome.ACCEPT, decline_reason=None, grounds=(Ground.NUMBER_OF_VICTIMS,))


def stand_down() -> routing.StandDownHandoff:
    return routing.StandDownHandoff(referral_id=uuid7(), officer_id="a.okafor", force_id="kent", seen_version=4, reason="r")


def signable(command: Command, event_id: str = "0197-first") -> Signable:
    topic = TRIAGE_REVIEWS if isinstance(command, DecideReview) else ROUTING_REVIEWS
    attributes = Attributes(event_id, "/conduit/console", command.type, NOW)
    return Signable.of(command, attributes, topic.name(), dump(command))


def checked(given: str | None, command: Command, *passkeys: Passkey, at: datetime = NOW) -> Answered | None:
    return check_passkey(given, officer(*(passkeys or (MINE.passkey(),))), command, signable(command), at)


def refusal(given: str | None, command: Command, *passkeys: Passkey, record: Signable | None = None) -> str:
    with pytest.raises(SignatureRefusedError) as caught:
        check_passkey(given, officer(*(passkeys or (MINE.passkey(),))), command, record or signable(command), NOW)
    assert caught.value.code in CODES
    assert caught.value.problem().message.count(".") >= 1
    return caught.value.code


@pytest.mark.parametrize("made", [decline, stand_down])
def test_the_gravest_decisions_are_given_with_the_officers_passkey(made: Callable[[], Command]) -> None:
    command = made()
    for passkey in (Authenticator(), Authenticator(count=None)):
        answered = checked(passkey.answer(challenge_of(signable(command))), command, MINE.passkey(), passkey.passkey())
        assert answered is not None
        assert answered.uses == (0 if passkey.count is None else 1)
    assert refusal(None, command) == "passkey_missing"


def test_no_other_decision_asks_for_one() -> None:
    ask = decline(outcome=ReviewOutcome.REQUEST_INFORMATION, decline_reason=None)
    reroute = routing.RerouteHandoff(
        referral_id=uuid7(), officer_id="a.okafor", from_force="kent", to_force="surrey", seen_until=NOW, reason="r"
    )
    for command in (accept(), ask, reroute):
        assert not asks_passkey(command)
        assert checked(None, command) is None
        assert checked("whatever", command) is None


def test_who_has_no_confirmed_passkey_needs_none() -> None:
    command = decline()
    assert check_passkey(None, officer(), command, signable(command), NOW) is None
    later = MINE.passkey(NOW + timedelta(seconds=1))
    assert checked(None, command, later) is None, "it was given before"
    assert refusal(None, command, MINE.passkey(NOW)) == "passkey_missing"
    assert refusal(Authenticator().answer(b"x"), command, later, MINE.passkey(NOW)) == "passkey_unknown"


@pytest.mark.parametrize("name", Signable._fields)
def test_an_answer_is_good_for_no_other_record(name: str) -> None:
    command = decline(seen_version=3)
    record = signable(command)
    given = MINE.answer(challenge_of(record))
    other: Any = {"value": b"{}", "case_version": 4, "referral_id": uuid7(), "task_id": uuid4()}.get(name, "another")
    assert refusal(given, command, record=record._replace(**{name: other})) == "passkey_for_another"


def test_the_challenge_is_the_digest_of_what_the_signer_signs_and_stays_so() -> None:
    """A release that reckons it otherwise would refuse what officers touched their passkeys for."""
    fixed = Signable(b"{}", "1", "t", "/s", "triage.reviews.v1", None, None, "a.okafor")
    said = (
        '{"case_version":null,"ce_id":"1","ce_source":"/s","ce_type":"t","officer_id":"a.okafor","referral_id":null,'
        '"task_id":null,"topic":"triage.reviews.v1","value_sha256":'
        '"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}'
    )
    assert challenge_of(fixed) == sha256(f"conduit-command-passkey.v1\n{said}".encode()).digest()
    assert challenge_of(fixed._replace(ce_id="2")) != challenge_of(fixed)


def test_another_officers_passkey_signs_nothing_for_this_one() -> None:
    command, other = decline(), Authenticator()
    challenge = challenge_of(signable(command))
    assert refusal(other.answer(challenge), command) == "passkey_unknown"
    posing = json.loads(other.answer(challenge)) | {"credential_id": MINE.offered().credential_id}
    assert refusal(json.dumps(posing), command) == "passkey_wrong"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"origin": "https://desk.hub.example.evil.example"}, "passkey_elsewhere"),
        ({"origin": "http://desk.hub.example"}, "passkey_elsewhere"),
        ({"rp_id": "hub.example"}, "passkey_elsewhere"),
        ({"crossOrigin": True}, "passkey_elsewhere"),
        ({"flags": PRESENT}, "passkey_unverified"),
        ({"flags": VERIFIED}, "passkey_unverified"),
        ({"type": "webauthn.create"}, "passkey_wrong"),
    ],
)
def test_it_answers_on_the_consoles_page_with_its_holder_there(said: dict[str, Any], code: str) -> None:
    command = decline()
    assert refusal(MINE.answer(challenge_of(signable(command)), **said), command) == code


def test_what_was_signed_cannot_be_altered() -> None:
    command = decline()
    given = json.loads(MINE.answer(challenge_of(signable(command))))
    flipped = given["signature"][:20] + ("A" if given["signature"][20] != "A" else "B") + given["signature"][21:]
    assert refusal(json.dumps(given | {"signature": flipped}), command) == "passkey_wrong"
    counted = MINE.answer(challenge_of(signable(command)))
    mixed = given | {"authenticator_data": json.loads(counted)["authenticator_data"]}
    assert refusal(json.dumps(mixed), command) == "passkey_wrong"


def test_a_count_that_goes_back_is_refused() -> None:
    command, copied = decline(), Authenticator(count=7)
    challenge = challenge_of(signable(command))
    for before, code in ((7, "passkey_count"), (8, "passkey_count")):
        copied.count = 7
        assert refusal(copied.answer(challenge), command, copied.passkey(sign_count=before)) == code
    silent = Authenticator(count=None)
    assert refusal(silent.answer(challenge), command, silent.passkey(sign_count=1)) == "passkey_count"
    copied.count = 7
    answered = checked(copied.answer(challenge), command, copied.passkey(sign_count=6))
    assert answered is not None
    assert answered.uses == 7


@pytest.mark.parametrize("given", ["", "{}", "null", "7", '{"credential_id": "aa"}', "x" * 100])
def test_what_cannot_be_read_is_refused(given: str) -> None:
    assert refusal(given, decline()) == "passkey_unreadable"


@pytest.mark.parametrize("part", ["authenticator_data", "client_data", "signature"])
@pytest.mark.parametrize("junk", ["A", "AAAA", "bnVsbA", "W10"])
def test_no_part_of_an_answer_fells_a_service(part: str, junk: str) -> None:
    command = decline()
    given = json.loads(MINE.answer(challenge_of(signable(command)))) | {part: junk}
    assert refusal(json.dumps(given), command) in {"passkey_unreadable", "passkey_wrong"}


def test_a_record_carries_one_answer() -> None:
    assert passkey_of([("ce_id", b"1")]) is None
    assert passkey_of([("ce_id", b"1"), (HEADER, b"{}")]) == "{}"
    for headers in ([(HEADER, b"{}")] * 2, [(HEADER, b"x" * (MOST_BYTES + 1))], [(HEADER, "é".encode())]):
        with pytest.raises(SignatureRefusedError, match="passkey_unreadable"):
            passkey_of(headers)


def test_a_fingerprint_is_of_one_passkey_of_one_person_at_one_console() -> None:
    offered, other = MINE.offered(), Authenticator().offered()
    shown = offered.fingerprint("p-1")
    assert [len(each) for each in shown.split()] == [4] * 6
    changed = [offered.model_copy(update={name: getattr(other, name)}) for name in ("credential_id", "public_key")]
    changed.append(offered.model_copy(update={"origin": "https://other.example"}))
    found = {shown, offered.fingerprint("p-2"), *(each.fingerprint("p-1") for each in changed)}
    assert len(found) == 5
    assert MINE.passkey().fingerprint("p-1") == shown


def test_a_key_of_a_kind_that_is_not_verified_here_is_not_confirmed() -> None:
    offered = MINE.offered()
    assert read_offer(offer_text(offered)) == offered
    assert read_offer(f" {offer_text(offered)[:50]}\n{offer_text(offered)[50:]}") == offered, "as mails break lines"
    es512 = "pQECAzgjIAMhWEIA" + "A" * 86 + "IlhCAA" + "A" * 86
    for key in ("AAAA", "oA", es512):
        with pytest.raises(ValueError, match="public key"):
            read_offer(offer_text(offered.model_copy(update={"public_key": key})))
    for text in ("", "A", "AAAA", "e30", offer_text(offered)[:-9]):
        with pytest.raises(ValueError, match="no passkey"):
            read_offer(text)
