"""What a backup holds, and where services go on after it; the whole is tried in deploy/local/tests/test_restoring.py."""

from __future__ import annotations

import hashlib
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from conduit_contracts.envelope import Attributes, encode
from conduit_contracts.programme import ForceRegistered, HubPersonRegistered, HubRole, PartnerRegistered, RightsRevoked
from conduit_operate import postgres_programs, restoring
from conduit_operate.audit import read_audit
from conduit_operate.backup import MANIFEST, Kept, Manifest, read
from conduit_operate.broker import external_broker
from conduit_operate.cli import app
from conduit_operate.onboarding import OnboardingError
from conduit_operate.people import OrderedPeople
from conduit_operate.register import Registers
from conduit_operate.restoring import goes_on

PAGE = Path(__file__).parents[3] / "docs" / "operate-one-machine.md"
TYPED = [
    line.strip()
    for block in re.findall(r"^ *```sh\n(.*?)^ *```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


@pytest.mark.parametrize(
    ("known", "low", "high", "where"),
    [
        (7, 0, 10, (7, 0)),
        (10, 0, 10, (10, 0)),
        (None, 3, 10, (3, 0)),
        (7, 9, 10, (9, 2)),
        (7, 7, 7, (7, 0)),
        (70, 0, 10, (0, 0)),
    ],
    ids=["kept", "at the end", "made since", "deleted meanwhile", "all deleted and none needed", "topic made anew"],
)
def test_a_service_goes_on_where_the_backup_says_or_as_near_as_kafka_still_has(
    known: int | None, low: int, high: int, where: tuple[int, int]
) -> None:
    assert goes_on(known, low, high) == where


def test_a_partner_that_is_called_as_a_force_is_ordered_where_only_the_force_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    partner, force = PartnerRegistered(partner_id="kent", name="Example Haven"), ForceRegistered(force_id="kent")
    kept = Manifest(release="0.2.0", begun_at=datetime.now(UTC), services={}, partners=(partner,), forces=(force,))
    monkeypatch.setattr(restoring, "read_registers", lambda _: Registers(forces={"kent": force}))
    monkeypatch.setattr(restoring, "read_people", lambda _: OrderedPeople())
    monkeypatch.setattr(restoring.groups, "committed", lambda *_: {})
    nowhere = external_broker(tmp_path, {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    assert restoring.plan(nowhere, {}, kept, "a backup", answers=False).registers == [partner]


def officer(number: int) -> HubPersonRegistered:
    return HubPersonRegistered(
        person_id=f"p-000000000000000{number}",
        issuer="https://login.hub.example",
        subject=f"subject-{number}",
        valid_from=datetime(2026, 11, 23, tzinfo=UTC),
        roles=(HubRole.OFFICER,),
    )


def test_of_people_kafkas_word_counts_and_whoever_was_removed_since_the_backup_stays_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lacks, stands, removed, removed_before = (officer(number) for number in range(1, 5))
    signed_out = RightsRevoked(person_id=lacks.person_id, sessions_from=datetime(2026, 11, 24, tzinfo=UTC))
    gone = [RightsRevoked(person_id=each.person_id, removed=True) for each in (removed, removed_before)]
    kept = Manifest(
        release="0.2.0",
        begun_at=datetime.now(UTC),
        services={},
        partners=(),
        forces=(),
        people=(lacks, stands, removed, removed_before),
        revoked=(signed_out, gone[1]),
    )
    kept = Manifest.model_validate_json(kept.model_dump_json())
    known = OrderedPeople()
    headers, value = encode(stands, Attributes("x", "/conduit/programme", stands.type, datetime.now(UTC)))
    known.book.take("programme.officers.v1", stands.person_id.encode(), headers, value)
    known.book.revoked[removed.person_id] = gone[0]
    monkeypatch.setattr(restoring, "read_registers", lambda _: Registers())
    monkeypatch.setattr(restoring, "read_people", lambda _: known)
    monkeypatch.setattr(restoring.groups, "committed", lambda *_: {})
    nowhere = external_broker(tmp_path, {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    planned = restoring.plan(nowhere, {}, kept, "a backup", answers=False)
    assert (planned.people, planned.revoked) == ([lacks], [signed_out, gone[1]])
    assert [each for each in planned.steps if each[0] != "readmit"] == [
        ("revoke", "rights", f"of {lacks.person_id}"),
        ("revoke", "rights", f"of {removed_before.person_id}"),
        ("order", "register entry", lacks.person_id),
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "backup"
    made.mkdir()
    (made / "triage.dump").write_bytes(b"a dump")
    digest = hashlib.sha256(b"a dump").hexdigest()
    kept = Kept(file="triage.dump", sha256=digest, size=6, settings=(), offsets={"intake.referrals.v1": {0: 7}})
    manifest = Manifest(release="0.2.0", begun_at=datetime.now(UTC), services={"triage": kept}, partners=(), forces=())
    (made / MANIFEST).write_text(manifest.model_dump_json())
    return made


def test_a_backup_is_read_as_it_was_written(folder: Path) -> None:
    assert read(folder).services["triage"].offsets == {"intake.referrals.v1": {0: 7}}


@pytest.mark.parametrize("damage", [b"a dumb", b"a dump and more", None])
def test_a_file_that_is_not_as_it_was_written_is_refused_by_name(folder: Path, damage: bytes | None) -> None:
    path = folder / "triage.dump"
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.raises(OnboardingError, match=r"triage\.dump is not as it was written"):
        read(folder)


@pytest.mark.parametrize("text", ["", "{}", '{"format": 2}', "\x00"])
def test_what_is_no_backup_is_refused_in_a_sentence(folder: Path, text: str) -> None:
    (folder / MANIFEST).write_text(text)
    with pytest.raises(OnboardingError, match="cannot be read"):
        read(folder)
    (folder / MANIFEST).unlink()
    with pytest.raises(OnboardingError, match="holds no backup"):
        read(folder)


def test_a_dump_goes_back_with_what_it_holds_and_a_failure_shows_no_row(
    database: str, new_database: object, tmp_path: Path
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE held (word text CHECK (word <> ''))")
        connection.execute("INSERT INTO held VALUES ('canary of a person')")
    dump, said = tmp_path / "dump", tmp_path / "logs" / "said"
    postgres_programs.run("pg_dump", database, ["--format=custom", f"--file={dump}"], said)
    assert not said.exists()
    with pytest.raises(OnboardingError) as told:  # the table is there already
        postgres_programs.run("pg_restore", database, ["--exit-on-error", str(dump)], said)
    assert "canary" not in str(told.value)
    assert said.stat().st_mode & 0o077 == 0
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP TABLE held")
        postgres_programs.run("pg_restore", database, ["--exit-on-error", str(dump)], said)
        assert connection.execute("SELECT word FROM held").fetchone() == ("canary of a person",)


@pytest.mark.parametrize("command", [("backup", "there"), ("restore", "there", "--apply"), ("reconcile", "--apply")])
def test_nothing_is_done_without_who_and_why(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*command, "--state-dir", str(tmp_path)], env={"CONDUIT_ACTOR": ""})
    assert done.exit_code == 2, done.output
    assert read_audit(tmp_path) == []


@pytest.mark.parametrize("line", TYPED)
def test_every_command_of_the_page_is_one_that_there_is(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing runs it says so, and never that it was misused. `up` would start a stack."""
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    name, *arguments = shlex.split(line)
    assert name == "conduit"
    done = CliRunner().invoke(app, [*arguments, "--help"])
    assert done.exit_code == 0, done.output
    if arguments[0] not in ("up", "--version"):
        done = CliRunner().invoke(app, [*arguments, "--state-dir", str(tmp_path)])
        assert done.exit_code != 2, done.output
        assert "nothing runs" in done.output
