"""Who belongs to what, by the command that people use, on a secured Kafka: nobody gets in by somebody else's provider."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner, Result

from conduit_contracts.passkeys import offer_text
from conduit_contracts.programme import RemovePerson
from conduit_contracts.topics import OFFICERS, PEOPLE, PEOPLE_COMMANDS, REVOCATIONS
from conduit_operate import orders, people
from conduit_operate.access import service_principal
from conduit_operate.audit import read_audit
from conduit_operate.broker import Broker
from conduit_operate.cli import app
from conduit_operate.commands import passkey, person
from tests.support.authenticator import Authenticator
from tests.support.programme import RunningProgramme

HUB, NORTHLIGHT = "https://login.hub.example", "https://login.northlight.example"
BY = ("--apply", "--actor", "jo.smith", "--reason", "a test")
Conduit = Callable[..., Result]


@pytest.fixture(scope="module")
def programme(changing_broker: Broker, postgres_dsn: str) -> Iterator[RunningProgramme]:
    """What carries the orders out."""
    made = RunningProgramme(changing_broker, postgres_dsn)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def conduit(changing_broker: Broker, programme: RunningProgramme, monkeypatch: pytest.MonkeyPatch) -> Iterator[Conduit]:
    monkeypatch.setattr(person, "reach", lambda _: changing_broker)
    monkeypatch.setattr(passkey, "reach", lambda _: changing_broker)
    monkeypatch.setattr(orders, "PATIENCE", 60.0)

    def run(*arguments: str) -> Result:
        typed = arguments if arguments[0] == "passkey" else ("person", *arguments)
        return CliRunner().invoke(app, [*typed, "--state-dir", str(changing_broker.state_dir)], env={"COLUMNS": "200"})

    yield run
    left = people.read_people(changing_broker).entries()
    gone = [RemovePerson(person_id=each, ordered_by="a test", reason="a test") for each in left]
    assert orders.unanswered(changing_broker, people.place_people(changing_broker, gone, actor="a test"), 60.0).ids == ()


def add(conduit: Conduit, subject: str, *more: str, issuer: str = HUB) -> Result:
    return conduit("add", "--issuer", issuer, "--subject", subject, *more)


def made(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return str(json.loads(result.stdout)["subject"])


def listed(conduit: Conduit) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(conduit("list", "--json").stdout)
    return found


def test_nobody_is_added_until_it_is_said_who_does_it_and_why(conduit: Conduit) -> None:
    assert "nothing was changed" in add(conduit, "anna", "--role", "officer").stdout
    assert add(conduit, "anna", "--role", "officer", "--apply").exit_code == 2
    assert (listed(conduit), conduit("list").stdout) == ([], "nobody is registered\n")


def test_somebody_comes_gets_other_roles_is_signed_out_and_leaves(conduit: Conduit, changing_broker: Broker) -> None:
    anna = made(add(conduit, "anna", "--role", "officer", "--role", "supervisor", "--officer-id", "a.okafor", "--json", *BY))
    assert anna.startswith("p-")
    assert "anna" not in anna
    (found,) = listed(conduit)
    assert (found["roles"], found["officer_id"]) == (["officer", "supervisor"], "a.okafor")
    assert f"{anna}" in conduit("list").stdout
    shown = conduit("roles", anna, "--role", "auditor").stdout
    assert shown.splitlines()[0] == "  publish person roles: officer, supervisor → auditor"
    assert made(conduit("roles", anna, "--role", "auditor", "--json", *BY)) == anna
    assert "nothing to do" in conduit("roles", anna, "--role", "auditor", *BY).stdout
    assert made(conduit("revoke-sessions", anna, "--json", *BY)) == anna
    (found,) = listed(conduit)
    assert (found["roles"], "sessions_from" in found) == (["auditor"], True)
    assert made(conduit("remove", anna, "--json", *BY)) == anna
    assert listed(conduit) == []
    done = [(each["command"], each["subject"], each["reason"]) for each in read_audit(changing_broker.state_dir)[-8::2]]
    commands = ("person add", "person roles", "person revoke-sessions", "person remove")
    assert done == [(command, f"person.{anna}", "a test") for command in commands]
    assert "anna" not in (changing_broker.state_dir / "audit.jsonl").read_text()


def test_who_is_not_there_cannot_be_changed(conduit: Conduit) -> None:
    for command in (("roles", "--role", "officer"), ("remove",), ("revoke-sessions",)):
        result = conduit(command[0], "p-0000000000000000", *command[1:], *BY)
        assert (result.exit_code, "conduit person list" in result.stderr) == (3, True)


def test_an_issuer_vouches_for_one_organisations_people_and_for_each_once(conduit: Conduit) -> None:
    made(add(conduit, "anna", "--role", "officer", "--officer-id", "a.okafor", "--json", *BY))
    made(add(conduit, "anna", "--role", "partner_manager", "--partner", "northlight", "--json", *BY, issuer=NORTHLIGHT))
    refused = {
        "has this sign-in already": add(conduit, "anna", "--role", "officer", *BY),
        "has this officer id already": add(conduit, "eve", "--role", "officer", "--officer-id", "a.okafor", *BY),
        "an issuer has one organisation": add(conduit, "eve", "--role", "officer", *BY, issuer=NORTHLIGHT),
        "an issuer has": add(conduit, "eve", "--role", "force_team", "--force", "kent", *BY, issuer=HUB),
        "they cannot be officer": add(
            conduit, "e", "--role", "officer", "--partner", "abc", *BY, issuer="https://a.example"
        ),
        "not both": add(conduit, "e", "--role", "force_team", "--partner", "abc", "--force", "kent", *BY),
        "issuer: give an address": add(conduit, "e", "--role", "officer", *BY, issuer="hub"),
    }
    assert {why: (each.exit_code, why in each.stderr) for why, each in refused.items()} == dict.fromkeys(refused, (2, True))
    assert len(listed(conduit)) == 2


def test_whose_record_cannot_be_read_is_named_and_can_be_removed(conduit: Conduit, changing_broker: Broker) -> None:
    anna = made(add(conduit, "anna", "--role", "officer", "--json", *BY))
    producer = Producer(changing_broker.librdkafka(service_principal("programme")))
    producer.produce(OFFICERS.name(), b"{", anna)
    producer.flush(30)
    result = conduit("list")
    assert f"the last record of {anna} on programme.officers.v1 cannot be read" in result.stderr
    assert conduit("remove", anna, *BY).exit_code == 0
    assert conduit("list").stderr == ""


def test_a_passkey_is_trusted_once_its_fingerprint_was_read_out(conduit: Conduit, changing_broker: Broker) -> None:
    anna = made(add(conduit, "anna", "--role", "officer", "--json", *BY))
    offered, other = Authenticator().offered(), Authenticator().offered()
    right = offered.fingerprint(anna)
    wrong = {
        "not that of this passkey": (anna, offer_text(offered), other.fingerprint(anna)),
        "of this person": (anna, offer_text(offered), offered.fingerprint("p-0000000000000000")),
        "copy the whole line": (anna, offer_text(offered)[:-9], right),
    }
    for why, (person_id, offer, fingerprint) in wrong.items():
        result = conduit("passkey", "confirm", person_id, offer, "--fingerprint", fingerprint, *BY)
        assert (result.exit_code, why in result.stderr) == (2, True), result.stderr
    assert "no passkey is trusted" in conduit("passkey", "list").stdout
    asked = ("passkey", "confirm", anna, offer_text(offered), "--fingerprint", right.lower().replace(" ", "-"))
    assert conduit(*asked).stdout.splitlines()[0] == f"  publish person passkeys: (none) → {right}"
    assert conduit(*asked, *BY).exit_code == 0
    assert "nothing to do" in conduit(*asked, *BY).stdout
    (found,) = json.loads(conduit("passkey", "list", "--json").stdout)
    assert (found["person_id"], found["fingerprint"], found["origin"]) == (anna, right, offered.origin)
    assert right in conduit("passkey", "list").stdout
    assert made(conduit("roles", anna, "--role", "supervisor", "--json", *BY)) == anna
    assert len(listed(conduit)[0]["passkeys"]) == 1, "other changes leave it"
    away = ("passkey", "remove", anna, "--fingerprint")
    assert conduit(*away, other.fingerprint(anna), *BY).exit_code == 3
    assert conduit(*away, right, *BY).exit_code == 0
    assert listed(conduit)[0]["passkeys"] == []
    done = [each["command"] for each in read_audit(changing_broker.state_dir)[-6::2]]
    assert done == ["passkey confirm", "person roles", "passkey remove"]


def test_who_is_taken_away_is_out_while_nobody_writes_the_registers_and_the_orders_are_carried_out_later(
    conduit: Conduit, changing_broker: Broker, programme: RunningProgramme, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = made(add(conduit, "anna", "--role", "officer", "--role", "supervisor", "--json", *BY))
    eve = made(add(conduit, "eve", "--role", "officer", "--json", *BY))
    programme.stop()
    monkeypatch.setattr(orders, "PATIENCE", 1.0)
    said = conduit("roles", anna, "--role", "auditor", "--role", "officer", *BY)
    assert "What it takes away holds already" in said.stdout, said.output
    assert made(conduit("remove", eve, "--json", *BY)) == eve
    later = json.loads(add(conduit, "mara", "--role", "lead", "--json", *BY).stdout)
    assert "the order stands, and takes effect when that service runs" in later["notes"][0].lower()
    # As whoever follows the registers has it, and not with the orders that wait.
    book = people.read_people(changing_broker).book
    assert {each.person_id: list(each.roles) for each in book.everybody()} == {anna: ["officer"]}
    assert conduit("remove", eve, *BY).exit_code == 3, "nobody is removed twice"
    assert "has this sign-in already" in add(conduit, "mara", "--role", "lead", *BY).stderr, "an order that waits counts"
    again = made(add(conduit, "eve", "--role", "officer", "--json", *BY))
    programme.start()
    monkeypatch.setattr(orders, "PATIENCE", 60.0)
    assert made(conduit("revoke-sessions", anna, "--json", *BY)) == anna
    book = people.read_people(changing_broker).book
    stand = {each.person_id: list(each.roles) for each in book.everybody()}
    assert stand == {anna: ["auditor", "officer"], later["subject"]: ["lead"], again: ["officer"]}
    assert eve not in {each.person_id for each in book.entries()}, "the register itself has no place for them any more"


@pytest.mark.parametrize(
    "user", ["service.console", "service.signer", "duty", "operator", "service.triage", "programme", "service.programme"]
)
def test_nobody_but_the_programme_says_who_belongs_to_what_and_nobody_but_the_registrar_who_does_not(
    changing_broker: Broker, user: str
) -> None:
    mine = {"service.programme": (OFFICERS, PEOPLE), "programme": (PEOPLE_COMMANDS, REVOCATIONS)}.get(user, ())
    others = [topic for topic in (OFFICERS, PEOPLE, PEOPLE_COMMANDS, REVOCATIONS) if topic not in mine]
    refused: list[str] = []
    producer = Producer({**changing_broker.librdkafka(user), "log_level": 0})
    for topic in others:
        producer.produce(
            topic.name(), b"{}", "p", on_delivery=lambda error, _: refused.append(error.name() if error else "taken")
        )
    producer.flush(30)
    assert refused == ["TOPIC_AUTHORIZATION_FAILED"] * len(others)
