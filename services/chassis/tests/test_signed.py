"""Whose word a command is, as a service finds out: by a mounted key, and by the register as it stands when it is handled."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY as METRICS

from conduit_chassis.errors import ConfigurationError
from conduit_chassis.people import RegisterBehindError
from conduit_chassis.records import Delivery, Reader, Record, Refusal
from conduit_chassis.signed import DECIDING_ROLES, KeysFile, Verifier, check_standing
from conduit_chassis.testing import ISSUER, KEY, VERIFIER, EveryOfficer, record, signed
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import HubPersonRegistered, HubRole, Passkey, PersonRegistered
from conduit_contracts.referral import Ground
from conduit_contracts.signature import HEADER, LIFE, SignatureRefusedError
from conduit_contracts.signing_keys import SigningKey, TrustedKey, TrustedKeys
from conduit_contracts.topics import REGISTRY, TRIAGE_REVIEWS, consumed_by
from conduit_contracts.triage import DecideReview, DeclineReason, ReviewOutcome
from tests.support.authenticator import Authenticator

OTHER = SigningKey.generate("signer.elsewhere")


def decision(**changes: Any) -> DecideReview:
    given = {"officer_id": "a.okafor", "outcome": ReviewOutcome.ACCEPT, "grounds": (Ground.NUMBER_OF_VICTIMS,)} | changes
    return DecideReview(referral_id=uuid7(), **given)


def command(event_id: str = "by-the-console") -> Record:
    return record(TRIAGE_REVIEWS.name(), "k", decision(), event_id=event_id)


def reader(verifier: Verifier = VERIFIER) -> Reader:
    return Reader("triage", consumed_by("triage"), {}, verifier)


def refused(made: Record, verifier: Verifier = VERIFIER) -> str:
    content = reader(verifier).read(made).content
    assert isinstance(content, Refusal)
    (problem,) = content.problems
    return problem.code


def without_signature(made: Record) -> Record:
    return made._replace(headers=[header for header in made.headers if header[0] != HEADER])


def test_every_topic_that_officers_write_asks_for_a_signature() -> None:
    from conduit_contracts.envelope import Command

    signed = [topic.template for topic in REGISTRY if topic.signed]
    assert signed == ["triage.reviews.v1", "routing.reviews.v1", "notification.reviews.v1"]
    # No officer orders an entry of a register: `conduit` does, as the one principal that may write there (decision 55).
    of_officers = [topic for topic in REGISTRY if topic.producers != ("registrar",)]
    for topic in of_officers:
        assert topic.signed == any(issubclass(message, Command) for message in topic.messages), topic.template


def test_a_signed_command_is_delivered_with_who_stands_for_it() -> None:
    content = reader().read(command()).content
    assert isinstance(content, Delivery)
    assert content.signed is not None
    assert (content.signed.claims.iss, content.signed.claims.sub) == (ISSUER, "a.okafor")


def test_who_could_write_to_the_topic_does_not_count() -> None:
    assert refused(without_signature(command())) == "signature_missing"


def test_a_service_that_was_told_of_no_keys_takes_no_command() -> None:
    content = Reader("triage", consumed_by("triage"), {}).read(command()).content
    assert isinstance(content, Refusal)
    assert content.problems[0].code == "signature_key_unknown"


def test_a_key_on_a_topic_is_no_key() -> None:
    """Whatever anybody writes anywhere: what is trusted comes from the file alone."""
    made = command()
    planted = made._replace(headers=[*made.headers, ("jwk", OTHER.public().key.as_bytes(private=False))])
    assert refused(planted, Verifier(lambda: TrustedKeys([OTHER.public()]), EveryOfficer())) == "signature_key_unknown"


def test_a_copy_takes_effect_once_wherever_it_lies_and_however_its_signature_is_spelt() -> None:
    made, seen = command(), reader()
    first = seen.read(made)
    copy = seen.read(made._replace(partition=3, offset=9_999, key=b"other", headers=list(reversed(made.headers))))
    assert first.inbox_id == copy.inbox_id
    assert seen.read(command("another")).inbox_id != first.inbox_id


def test_what_is_refused_takes_no_signed_commands_place() -> None:
    made, seen = command(), reader()
    forged = seen.read(without_signature(made))
    altered = seen.read(made._replace(value=(made.value or b"").replace(b"number_of_victims", b"number_of_suspects")))
    assert isinstance(altered.content, Refusal)
    assert altered.content.problems[0].code == "signature_claim_differs"
    assert len({forged.inbox_id, altered.inbox_id, seen.read(made).inbox_id}) == 3


def counted(outcome: str) -> float:
    return METRICS.get_sample_value("conduit_command_signatures_total", {"outcome": outcome}) or 0.0


def test_what_signatures_are_found_to_be_is_counted_by_a_code() -> None:
    before = {outcome: counted(outcome) for outcome in ("good", "signature_missing")}
    seen, made = reader(), command()
    seen.read(made)
    seen.read(without_signature(made))
    assert {outcome: counted(outcome) - before[outcome] for outcome in before} == {"good": 1, "signature_missing": 1}


def test_a_signature_that_another_record_carried_is_refused() -> None:
    made, other = command("first"), command("second")
    signature = next(value for name, value in made.headers if name == HEADER)
    swapped = [(name, signature if name == HEADER else value) for name, value in other.headers]
    assert refused(other._replace(headers=swapped)) == "signature_claim_differs"


def test_the_brokers_time_ends_a_signature() -> None:
    made = command()
    late = made._replace(timestamp_ms=made.timestamp_ms + int(LIFE.total_seconds() * 1000))
    assert refused(late) == "signature_expired"


class Register:
    """What a test says of one person."""

    def __init__(self, person: PersonRegistered | None, *, behind: bool = False) -> None:
        self.person, self.behind = person, behind

    def find(self, issuer: str, subject: str) -> PersonRegistered | None:
        del issuer, subject
        if self.behind:
            raise RegisterBehindError
        return self.person


def person(**changes: Any) -> HubPersonRegistered:
    found = EveryOfficer().find(ISSUER, "a.okafor")
    assert found is not None
    return found.model_copy(update=changes)


@pytest.mark.parametrize(
    ("register", "code"),
    [
        (Register(None), "officer_not_registered"),
        (Register(person(), behind=True), "register_behind"),
        (Register(person(officer_id="b.lindqvist")), "officer_differs"),
        (Register(person(officer_id=None)), "officer_differs"),
        (Register(person(roles=(HubRole.AUDITOR, HubRole.ADMINISTRATOR))), "role_lacking"),
    ],
)
def test_the_register_says_who_decides(register: Register, code: str) -> None:
    assert refused(command(), Verifier(lambda: TrustedKeys([KEY.public()]), register)) == code


@pytest.mark.parametrize("role", sorted(HubRole))
def test_officers_and_supervisors_decide_and_nobody_else(role: HubRole) -> None:
    register = Register(person(roles=(role,)))
    if role in DECIDING_ROLES:
        check_standing(register, ISSUER, "a.okafor", "a.okafor")
        return
    with pytest.raises(SignatureRefusedError, match="role_lacking"):
        check_standing(register, ISSUER, "a.okafor", "a.okafor")


def test_an_officer_who_left_between_signing_and_handling_is_refused() -> None:
    register = Register(person())
    verifier, made = Verifier(lambda: TrustedKeys([KEY.public()]), register), command()
    assert isinstance(reader(verifier).read(made).content, Delivery)
    register.person = None
    assert refused(made, verifier) == "officer_not_registered"


class TestKeysFile:
    def written(self, path: Path, *keys: TrustedKey) -> None:
        path.write_text(TrustedKeys(keys).text())

    def test_it_is_read_again_when_it_changes(self, tmp_path: Path) -> None:
        path = tmp_path / "trusted-keys.json"
        self.written(path, OTHER.public())
        keys = KeysFile(path)
        assert [each.kid for each in keys()] == [OTHER.kid]
        new = SigningKey.generate("signer.new")
        self.written(path, OTHER.public(), new.public())
        assert [each.kid for each in keys()] == [OTHER.kid, new.kid]

    def test_it_follows_a_mounted_folder_that_is_exchanged(self, tmp_path: Path) -> None:
        for name, key in (("one", OTHER), ("two", SigningKey.generate("signer.two"))):
            (tmp_path / name).mkdir()
            self.written(tmp_path / name / "keys.json", key.public())
        current = tmp_path / "current"
        current.symlink_to("one")
        keys = KeysFile(current / "keys.json")
        next_one = tmp_path / "next"
        next_one.symlink_to("two")
        next_one.replace(current)
        assert [each.kid for each in keys()] == ["signer.two"]

    @pytest.mark.parametrize("text", ["", "{}", '{"keys": [{"kty": "oct", "k": "AA", "kid": "a"}]}', None])
    def test_what_cannot_be_used_leaves_what_was_there(self, tmp_path: Path, text: str | None) -> None:
        path = tmp_path / "trusted-keys.json"
        self.written(path, OTHER.public())
        keys = KeysFile(path)
        path.unlink() if text is None else path.write_text(text)
        assert [each.kid for each in keys()] == [OTHER.kid]
        self.written(path, OTHER.public(), SigningKey.generate("signer.back").public())
        assert len(list(keys())) == 2

    def test_a_service_does_not_start_without_keys(self, tmp_path: Path) -> None:
        for text in (None, "{}"):
            path = tmp_path / f"{text}.json"
            if text is not None:
                path.write_text(text)
            with pytest.raises(ConfigurationError, match="SIGNING_KEYS_FILE"):
                KeysFile(path)

    def test_a_key_for_one_machine_is_refused_where_nobody_asked_for_it(self, tmp_path: Path) -> None:
        path = tmp_path / "trusted-keys.json"
        self.written(path, KEY.public())
        with pytest.raises(ConfigurationError, match="for one machine"):
            KeysFile(path)
        assert [each.kid for each in KeysFile(path, local=True)()] == [KEY.kid]

    def test_a_rotation_by_overlap_refuses_nothing_that_was_signed_in_time(self, tmp_path: Path) -> None:
        path = tmp_path / "trusted-keys.json"
        self.written(path, KEY.public(), OTHER.public())
        verifier = Verifier(KeysFile(path, local=True), EveryOfficer())
        made = command()
        assert isinstance(reader(verifier).read(made).content, Delivery)
        now = datetime.now(UTC)
        self.written(path, TrustedKey(KEY.kid, KEY.public().key, now + timedelta(hours=1)), OTHER.public())
        assert isinstance(reader(verifier).read(made).content, Delivery)
        later = signed(made._replace(timestamp_ms=int((now + timedelta(hours=2)).timestamp() * 1000)))
        assert refused(later, verifier) == "signature_key_retired"
        assert isinstance(reader(verifier).read(made).content, Delivery), "history stays good"


class TestPasskeys:
    """What an officer who has one gives with it. What it says is tried in the contracts."""

    PASSKEY = Authenticator()

    def verifier(self, *passkeys: Passkey) -> Verifier:
        return Verifier(lambda: TrustedKeys([KEY.public()]), Register(person(passkeys=passkeys)))

    def declined(self, event_id: str = "a-decline") -> Record:
        command = decision(outcome=ReviewOutcome.DECLINE, decline_reason=DeclineReason.NOT_COMPLEX, grounds=(), comment="c")
        return record(TRIAGE_REVIEWS.name(), "k", command, event_id=event_id)

    def test_a_decline_is_taken_with_it_and_keeps_what_it_answered(self) -> None:
        made = self.PASSKEY.touched_for(self.declined())
        content = reader(self.verifier(self.PASSKEY.passkey())).read(made).content
        assert isinstance(content, Delivery)
        assert content.signed is not None
        assert content.signed.passkey is not None
        assert content.signed.passkey.encode() == made.headers[-1][1]

    def test_whoever_holds_the_signers_key_and_the_console_declines_nothing_without_it(self) -> None:
        before = counted("passkey_missing")
        assert refused(self.declined(), self.verifier(self.PASSKEY.passkey())) == "passkey_missing"
        assert counted("passkey_missing") == before + 1

    def test_its_answer_to_one_decline_is_none_to_another(self) -> None:
        first, second = self.PASSKEY.touched_for(self.declined("one")), self.declined("two")
        moved = second._replace(headers=[*second.headers, first.headers[-1]])
        assert refused(moved, self.verifier(self.PASSKEY.passkey())) == "passkey_for_another"

    def test_other_decisions_and_other_officers_go_on_as_before(self) -> None:
        assert isinstance(reader(self.verifier(self.PASSKEY.passkey())).read(command()).content, Delivery)
        assert isinstance(reader(self.verifier()).read(self.declined()).content, Delivery)
