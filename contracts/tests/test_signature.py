"""An officer's command counts by what is signed, and whatever is changed, exchanged or made up is refused by its name."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws

from conduit_contracts.attributes import Attributes
from conduit_contracts.envelope import dump
from conduit_contracts.ids import uuid7
from conduit_contracts.notification import TakeDutyTask
from conduit_contracts.routing import StandDownHandoff
from conduit_contracts.signature import (
    ALGORITHM,
    HEADER,
    LEEWAY,
    LIFE,
    LONGEST_LIFE,
    MOST_BYTES,
    TYPE,
    Signable,
    SignatureRefusedError,
    SignedClaims,
    SignedIn,
    sign,
    signature_of,
    verify,
)
from conduit_contracts.signing_keys import KeysUnusableError, SigningKey, TrustedKey, TrustedKeys
from conduit_contracts.topics import NOTIFICATION_REVIEWS, ROUTING_CASES, ROUTING_REVIEWS

NOW = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
KEY, OTHER = SigningKey.generate("signer.2026-11"), SigningKey.generate("signer.2026-12")
KEYS = TrustedKeys([KEY.public(), OTHER.public()])
OFFICER = SignedIn("https://login.hub.example", "8f2c", "mfa", NOW - timedelta(hours=2))


def command(referral_id: UUID | None = None, **changes: Any) -> StandDownHandoff:
    given = {"officer_id": "a.okafor", "force_id": "kent", "seen_version": 4, "reason": "Synthetic canary-words."} | changes
    return StandDownHandoff(referral_id=referral_id or uuid7(), **given)


def signable(made: StandDownHandoff | None = None, event_id: str = "0197-first") -> Signable:
    made = made or command()
    attributes = Attributes(event_id, "/officers", made.type, NOW, str(made.referral_id))
    return Signable.of(made, attributes, ROUTING_REVIEWS.name(), dump(made))


def refusal(token: str, record: Signable, keys: TrustedKeys = KEYS, at: datetime = NOW) -> tuple[str, str]:
    with pytest.raises(SignatureRefusedError) as caught:
        verify(token, record, keys, at)
    problem = caught.value.problem()
    assert problem == SignatureRefusedError(problem.code, problem.field).problem(), "its words are constant"
    assert not problem.retryable
    return problem.code, problem.field


def encoded(content: Any) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def said_by(key: SigningKey, claims: dict[str, Any], **header: Any) -> str:
    """What a key signs, whatever is said."""
    protected = {"alg": ALGORITHM, "kid": key.kid, "typ": TYPE} | header
    body = encoded(protected) + "." + encoded(claims)
    return body + "." + encoded(key.key.private_key.sign(body.encode()))


def claims_of(token: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(jws.extract_compact(token.encode()).payload)
    return read


def test_a_signed_command_says_who_when_and_on_which_version() -> None:
    record = signable()
    claims = verify(sign(record, OFFICER, KEY, NOW), record, KEYS, NOW)
    assert (claims.iss, claims.sub, claims.officer_id) == ("https://login.hub.example", "8f2c", "a.okafor")
    assert (claims.case_version, claims.acr, claims.auth_time) == (4, "mfa", int(OFFICER.auth_time.timestamp()))
    assert timedelta(seconds=claims.exp - claims.iat) == LIFE


def test_the_header_holds_nothing_of_what_the_officer_wrote() -> None:
    record = signable()
    payload = jws.extract_compact(sign(record, OFFICER, KEY, NOW).encode()).payload
    assert b"canary" not in payload
    assert b"kent" not in payload


def test_what_the_claims_are_called_is_a_promise() -> None:
    names = {
        "value_sha256",
        "ce_id",
        "ce_type",
        "ce_source",
        "topic",
        "referral_id",
        "task_id",
        "case_version",
        "officer_id",
    }
    assert set(SignedClaims.model_fields) == names | {"iss", "sub", "acr", "auth_time", "iat", "exp"}
    assert (HEADER, ALGORITHM, TYPE) == ("conduit-signature", "Ed25519", "conduit-command+jws")


TEXTS = st.text(min_size=1, max_size=30)
OTHERS: dict[str, st.SearchStrategy[Any]] = {
    "value": st.binary(max_size=60),
    "ce_id": TEXTS,
    "ce_type": TEXTS,
    "ce_source": TEXTS,
    "topic": st.sampled_from([ROUTING_CASES.name(), "triage.reviews.v1", "routing.reviews.v2"]) | TEXTS,
    "referral_id": st.builds(uuid7),
    "task_id": st.builds(uuid4),
    "case_version": st.none() | st.integers(0, 2**40),
    "officer_id": st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True),
}


def test_a_claim_of_the_referral_that_is_missing_is_no_claim_of_this_one() -> None:
    record = signable()
    claims = claims_of(sign(record, OFFICER, KEY, NOW))
    del claims["referral_id"]
    assert refusal(said_by(KEY, claims), record) == ("signature_claim_differs", "referral_id")


def test_a_command_about_a_duty_task_is_signed_for_that_task_and_for_no_referral() -> None:
    made = TakeDutyTask(task_id=uuid4(), officer_id="a.okafor", seen_until=NOW)
    attributes = Attributes("0197-first", "/officers", made.type, NOW)
    record = Signable.of(made, attributes, NOTIFICATION_REVIEWS.name(), dump(made))
    token = sign(record, OFFICER, KEY, NOW)
    claims = verify(token, record, KEYS, NOW)
    assert (claims.task_id, claims.referral_id) == (made.task_id, None)
    assert "referral_id" not in claims_of(token)
    assert refusal(token, record._replace(task_id=uuid4())) == ("signature_claim_differs", "task_id")
    assert refusal(token, record._replace(referral_id=uuid7())) == ("signature_claim_differs", "referral_id")


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(sorted(OTHERS)))
def test_a_signature_is_good_for_no_other_record(data: st.DataObject, name: str) -> None:
    record = signable()
    token = sign(record, OFFICER, KEY, NOW)
    other = data.draw(OTHERS[name].filter(lambda each: each != getattr(record, name)))
    claim = "value_sha256" if name == "value" else name
    assert refusal(token, record._replace(**{name: other})) == ("signature_claim_differs", claim)


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(sorted(SignedClaims.model_fields)))
def test_a_claim_that_somebody_alters_makes_the_signature_wrong(data: st.DataObject, name: str) -> None:
    record = signable()
    token = sign(record, OFFICER, KEY, NOW)
    header, _, signature = token.split(".")
    altered = claims_of(token) | {name: data.draw(st.text(max_size=20) | st.integers() | st.none())}
    assert refusal(f"{header}.{encoded(altered)}.{signature}", record) == ("signature_wrong", HEADER)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 127))
def test_a_byte_that_is_changed_anywhere_is_refused(place: int, change: int) -> None:
    record = signable()
    raw = bytearray(sign(record, OFFICER, KEY, NOW).encode())
    place %= len(raw) - 1  # four bits of the last character mean nothing in base64
    raw[place] ^= change
    with pytest.raises(SignatureRefusedError):
        verify(raw.decode("ascii"), record, KEYS, NOW)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,90}"))
def test_whatever_stands_in_the_header_is_answered_by_a_code(text: str) -> None:
    with pytest.raises(SignatureRefusedError):
        verify(text, signable(), KEYS, NOW)


MAY_BE_ABSENT = {"case_version", "referral_id", "task_id"}
"""Where the command has none: one that has is refused as signed for another."""


@pytest.mark.parametrize("dropped", sorted(set(SignedClaims.model_fields) - MAY_BE_ABSENT))
def test_a_claim_that_is_missing_is_named(dropped: str) -> None:
    record = signable()
    claims = claims_of(sign(record, OFFICER, KEY, NOW))
    del claims[dropped]
    assert refusal(said_by(KEY, claims), record) == ("signature_unreadable", dropped)


def test_a_version_that_is_left_out_is_no_version() -> None:
    record = signable()
    claims = claims_of(sign(record, OFFICER, KEY, NOW))
    del claims["case_version"]
    assert refusal(said_by(KEY, claims), record) == ("signature_claim_differs", "case_version")


def test_alg_none_is_no_signature() -> None:
    record = signable()
    _, payload, _ = sign(record, OFFICER, KEY, NOW).split(".")
    for alg in ("none", "None", "", None):
        header = encoded({"alg": alg, "kid": KEY.kid, "typ": TYPE})
        assert refusal(f"{header}.{payload}.", record) == ("signature_algorithm", HEADER)


@pytest.mark.parametrize("alg", ["HS256", "EdDSA", "ES256"])
def test_the_public_key_as_a_secret_signs_nothing(alg: str) -> None:
    record = signable()
    _, payload, _ = sign(record, OFFICER, KEY, NOW).split(".")
    body = encoded({"alg": alg, "kid": KEY.kid, "typ": TYPE}) + "." + payload
    for secret in (KEY.key.as_bytes(private=False), KEY.key.public_key.public_bytes_raw()):
        forged = encoded(hmac.digest(secret, body.encode(), hashlib.sha256))
        assert refusal(f"{body}.{forged}", record) == ("signature_algorithm", HEADER)


@pytest.mark.parametrize(
    "header",
    [{"typ": "JWT"}, {"typ": None}, {"crit": ["b64"], "b64": False}, {"jwk": KEY.public().jwk()}, {"jku": "https://x"}],
)
def test_a_token_that_says_anything_else_of_itself_is_none_of_ours(header: dict[str, Any]) -> None:
    record = signable()
    claims = claims_of(sign(record, OFFICER, KEY, NOW))
    assert refusal(said_by(KEY, claims, **header), record) == ("signature_algorithm", HEADER)


def test_a_key_must_be_named_and_known() -> None:
    record, stranger = signable(), SigningKey.generate("signer.elsewhere")
    assert refusal(sign(record, OFFICER, stranger, NOW), record) == ("signature_key_unknown", HEADER)
    claims = claims_of(sign(record, OFFICER, KEY, NOW))
    assert refusal(said_by(KEY, claims, kid=OTHER.kid), record) == ("signature_wrong", HEADER)
    assert refusal(said_by(KEY, claims, kid=None), record) == ("signature_key_unknown", HEADER)
    assert refusal(said_by(stranger, claims, kid=KEY.kid), record) == ("signature_wrong", HEADER)


def test_the_brokers_time_says_whether_a_signature_is_good() -> None:
    record = signable()
    token = sign(record, OFFICER, KEY, NOW)
    assert verify(token, record, KEYS, NOW + LIFE - timedelta(seconds=1)).ce_id == record.ce_id
    assert refusal(token, record, at=NOW + LIFE) == ("signature_expired", "exp")
    assert verify(token, record, KEYS, NOW - LEEWAY).ce_id == record.ce_id
    assert refusal(token, record, at=NOW - LEEWAY - timedelta(seconds=1)) == ("signature_too_early", "iat")


def test_a_signature_that_lasts_or_precedes_the_sign_in_is_refused() -> None:
    record = signable()
    claims = claims_of(sign(record, OFFICER, KEY, NOW))
    forever = claims | {"exp": claims["iat"] + int(LONGEST_LIFE.total_seconds()) + 1}
    assert refusal(said_by(KEY, forever), record) == ("signature_lasts_too_long", "exp")
    before = claims | {"auth_time": claims["iat"] + int(LEEWAY.total_seconds()) + 1}
    assert refusal(said_by(KEY, before), record) == ("signature_too_early", "auth_time")
    for life in (LONGEST_LIFE + timedelta(seconds=1), timedelta()):
        with pytest.raises(ValueError, match="an hour"):
            sign(record, OFFICER, KEY, NOW, life)


def test_a_retired_key_is_good_for_what_came_before_and_for_nothing_after() -> None:
    record = signable()
    token = sign(record, OFFICER, KEY, NOW)
    retired = TrustedKeys([TrustedKey(KEY.kid, KEY.public().key, NOW + timedelta(minutes=1)), OTHER.public()])
    assert verify(token, record, retired, NOW).ce_id == record.ce_id
    assert refusal(token, record, retired, NOW + timedelta(minutes=1)) == ("signature_key_retired", HEADER)
    assert TrustedKeys.read(retired.text()).text() == retired.text()


def test_a_record_carries_one_signature() -> None:
    token = sign(signable(), OFFICER, KEY, NOW)
    assert signature_of([("ce_id", b"1"), (HEADER, token.encode())]) == token
    lacking: list[tuple[list[tuple[str, bytes | None]], str]] = [
        ([("Conduit-Signature", token.encode())], "signature_missing"),
        ([(HEADER, token.encode())] * 2, "signature_unreadable"),
        ([(HEADER, b"\xff")], "signature_unreadable"),
        ([(HEADER, b"a" * (MOST_BYTES + 1))], "signature_unreadable"),
    ]
    for headers, code in lacking:
        with pytest.raises(SignatureRefusedError) as caught:
            signature_of(headers)
        assert caught.value.code == code
    assert refusal(signature_of([(HEADER, None)]), signable())[0] == "signature_unreadable"


def test_what_cannot_be_said_is_not_signed() -> None:
    record = signable()
    for by in (OFFICER._replace(subject=""), OFFICER._replace(issuer="x" * 256), OFFICER._replace(acr="")):
        with pytest.raises(ValueError, match=r"^cannot be signed: (sub|iss|acr)$"):
            sign(record, by, KEY, NOW)


def test_a_private_key_prints_as_its_name_and_reads_back() -> None:
    assert str(KEY) == repr(KEY) == "SigningKey(signer.2026-11)"
    again = SigningKey.read(KEY.text())
    record = signable()
    assert verify(sign(record, OFFICER, again, NOW), record, KEYS, NOW).ce_id == record.ce_id
    assert '"d"' not in KEYS.text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "list named keys"),
        ('{"keys": []}', "list named keys"),
        ('{"keys": [1]}', "JSON object"),
        (json.dumps({"keys": [json.loads(KEY.text())]}), "public keys alone"),
        (json.dumps({"keys": [KEY.public().jwk(), KEY.public().jwk()]}), "same kid"),
        (json.dumps({"keys": [KEY.public().jwk() | {"kid": "Not A Name"}]}), "kid"),
        (json.dumps({"keys": [KEY.public().jwk() | {"crv": "Ed448"}]}), "only Ed25519"),
        (json.dumps({"keys": [KEY.public().jwk() | {"x": "AAAA"}]}), "not a key"),
        (json.dumps({"keys": [KEY.public().jwk() | {"use": "enc"}]}), "not for signing"),
        (json.dumps({"keys": [KEY.public().jwk() | {"retired_at": "soon"}]}), "retired_at"),
        (json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "a"}]}), "public keys alone"),
    ],
)
def test_a_set_of_keys_that_cannot_be_used_says_why(text: str, words: str) -> None:
    with pytest.raises(KeysUnusableError, match=words):
        TrustedKeys.read(text)


def test_a_key_for_one_machine_is_trusted_only_where_that_is_asked_for() -> None:
    text = TrustedKeys([SigningKey.generate("local.demo").public()]).text()
    with pytest.raises(KeysUnusableError, match="for one machine"):
        TrustedKeys.read(text)
    assert [each.kid for each in TrustedKeys.read(text, local=True)] == ["local.demo"]
