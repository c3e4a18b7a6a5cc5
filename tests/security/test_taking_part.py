"""Partners and forces come, change their credentials and go, on a real broker, by the commands that operators type."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka.errors import KafkaError
from confluent_kafka import Consumer, Producer
from typer.testing import CliRunner, Result

from conduit_contracts import topics
from conduit_contracts.geography import forces
from conduit_contracts.topics import FORCE, PARTNER
from conduit_local.demo.register_samples import register_samples
from conduit_operate import doors, orders, setup
from conduit_operate.access import Operation, Resource, Rule, expected_rules, users_of
from conduit_operate.audit import By, read_audit
from conduit_operate.broker import Broker, external_broker
from conduit_operate.cli import app
from conduit_operate.clients import folder
from conduit_operate.doors import open_doors
from conduit_operate.env_file import parse_env
from conduit_operate.grants import create_users, grant, granted, revoke, users
from conduit_operate.polling import wait_until
from conduit_operate.quotas import read_quotas
from conduit_operate.register import RegisterError, Registers, read_registers
from conduit_operate.secured import ADMIN, password_path
from conduit_operate.setup import password_variable
from tests.security import wire
from tests.security.wire import Wire
from tests.support.programme import RunningProgramme

Conduit = Callable[..., Result]
BY = ("--apply", "--actor", "jo.smith", "--reason", "a test")


@pytest.fixture(scope="module", autouse=True)
def programme(changing_broker: Broker, postgres_dsn: str) -> Iterator[RunningProgramme]:
    """The service that carries out what is ordered of the registers."""
    made = RunningProgramme(changing_broker, postgres_dsn)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def conduit(changing_broker: Broker) -> Conduit:
    """The command line, told of the broker as one that exists elsewhere."""
    environment = {
        **changing_broker.address(),
        "KAFKA_ADMIN_USERNAME": ADMIN,
        "KAFKA_ADMIN_PASSWORD_FILE": str(password_path(changing_broker.state_dir, ADMIN)),
    }

    def run(*arguments: str, code: int = 0) -> Result:
        command = [*arguments, "--state-dir", str(changing_broker.state_dir)]
        result = CliRunner().invoke(app, command, env=environment)
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def onboarded(conduit: Conduit) -> Callable[[str], str]:
    def onboard(partner_id: str) -> str:
        conduit(*onboarding(partner_id), *BY)
        return f"partner.{partner_id}"

    return onboard


def onboarding(partner_id: str) -> tuple[str, ...]:
    mou = ("--mou", f"MOU-{partner_id.upper()}", "--valid-from", "2026-01-01", "--valid-to", "2036-01-01")
    return ("partner", "onboard", partner_id, "--name", "Synthetic", *mou, "--email", "desk@partner.example")


def holds(broker: Broker) -> tuple[object, ...]:
    admin = broker.admin()
    rules = granted(admin)
    there = frozenset(name for name in admin.list_topics(timeout=10).topics if not name.startswith("__"))
    assert rules == expected_rules(there, users(admin))
    return there, users(admin), rules, read_registers(broker), read_quotas(broker), read_audit(broker.state_dir)


async def writes(broker: Broker, user: str, partner_id: str) -> int:
    """The broker's answer to a record on the partner's own topic."""
    topic = topics.PARTNER_REFERRALS.name(partner_id)
    async with Wire(broker, user) as wired:
        return (await wired.write([topic]))[topic]


def test_without_apply_a_plan_is_shown_and_nothing_is_changed(changing_broker: Broker, conduit: Conduit) -> None:
    before = holds(changing_broker)
    shown = conduit(*onboarding("careful")).output
    assert "make user partner.careful\n" in shown
    assert "make topic partner.careful.referrals.v1\n" in shown
    assert "nothing was changed. Add --apply" in shown
    assert holds(changing_broker) == before
    assert not (folder(changing_broker.state_dir) / "partner.careful.env").exists()


def test_who_does_it_and_why_must_be_said(changing_broker: Broker, conduit: Conduit) -> None:
    before = holds(changing_broker)
    for missing in (("--actor", "jo"), ("--reason", "why"), ("--actor", " ", "--reason", "why")):
        assert "needs --actor and --reason" in conduit(*onboarding("hasty"), "--apply", *missing, code=2).output
    assert holds(changing_broker) == before


async def test_an_onboarded_partner_comes_in_and_has_only_what_is_its_own(
    changing_broker: Broker, conduit: Conduit, onboarded: Callable[[str], str]
) -> None:
    user = onboarded("newcomer")
    async with Wire(changing_broker, user) as wired:
        own = {topics.PARTNER_REFERRALS.name("newcomer"), topics.PARTNER_UPDATES.name("newcomer")}
        assert await wired.see() == own
        others = [topics.PARTNER_REFERRALS.name("abc"), topics.PARTNER_UPDATES.name("abc")]
        assert await wired.write(others) == dict.fromkeys(others, wire.TOPIC_REFUSED)
    assert await writes(changing_broker, user, "newcomer") == wire.GRANTED
    entry = read_registers(changing_broker).partners["newcomer"]
    assert (entry.name, entry.contact.email, entry.suspended) == ("Synthetic", "desk@partner.example", False)
    before = holds(changing_broker)
    assert "nothing to do" in conduit(*onboarding("newcomer"), *BY).output
    assert holds(changing_broker) == before


def test_a_second_mou_is_added_and_a_suspension_outlives_a_renewal(
    changing_broker: Broker, conduit: Conduit, onboarded: Callable[[str], str]
) -> None:
    onboarded("renewing")
    conduit("partner", "suspend", "renewing", *BY)
    days = ("--valid-from", "2026-06-01", "--valid-to", "2046-01-01")
    conduit("partner", "onboard", "renewing", "--mou", "MOU-RENEWING", *days, *BY)
    conduit("partner", "onboard", "renewing", "--mou", "MOU-SECOND", *days, *BY)
    first, second = read_registers(changing_broker).partners["renewing"].mous
    assert (first.reference, first.suspended, first.valid_to.year) == ("MOU-RENEWING", True, 2046)
    assert (second.reference, second.suspended) == ("MOU-SECOND", False)
    conduit("partner", "resume", "renewing", "--mou", "MOU-RENEWING", *BY)
    assert not any(mou.suspended for mou in read_registers(changing_broker).partners["renewing"].mous)


async def test_credentials_overlap_while_they_are_rotated_and_the_old_ones_end_at_once(
    changing_broker: Broker, conduit: Conduit, onboarded: Callable[[str], str]
) -> None:
    old = onboarded("rotating")
    conduit("partner", "rotate", "rotating", *BY)
    new = f"{old}.2"
    assert (
        "is changing its credentials already (partner.rotating.2)" in conduit("partner", "rotate", "rotating", code=1).output
    )
    topic = topics.PARTNER_REFERRALS.name("rotating")
    async with Wire(changing_broker, old) as still_open:
        assert await still_open.write([topic]) == {topic: wire.GRANTED}
        assert await writes(changing_broker, new, "rotating") == wire.GRANTED
        conduit("partner", "rotate", "rotating", "--finish", *BY)
        assert await still_open.write([topic]) == {topic: wire.TOPIC_REFUSED}
    with pytest.raises(KafkaError):
        await writes(changing_broker, old, "rotating")
    assert await writes(changing_broker, new, "rotating") == wire.GRANTED
    assert "nothing to do" in conduit("partner", "rotate", "rotating", "--finish").output
    conduit("partner", "rotate", "rotating", *BY)
    assert users_of(PARTNER, "rotating", users(changing_broker.admin())) == [new, f"{old}.3"]


async def test_the_members_of_a_group_may_come_with_old_and_new_credentials(
    changing_broker: Broker, conduit: Conduit
) -> None:
    conduit("force", "rotate", "essex", *BY)
    for user in ("force.essex", "force.essex.2"):
        async with Wire(changing_broker, user) as wired:
            assert wire.GROUP_REFUSED not in (await wired.join(["force.essex.connector"])).values()
            assert (await wired.join(["force.essex.2.connector", "force.essexx"]))["force.essexx"] == wire.GROUP_REFUSED
    conduit("force", "rotate", "essex", "--finish", *BY)
    assert users_of(FORCE, "essex", users(changing_broker.admin())) == ["force.essex.2"]


async def test_who_is_offboarded_is_shut_out_and_stays_out_when_everything_is_started_again(
    changing_broker: Broker, conduit: Conduit, onboarded: Callable[[str], str]
) -> None:
    user = onboarded("leaving")
    conduit("partner", "onboard", "leaving", "--producer-byte-rate", "5000", *BY)
    assert read_quotas(changing_broker)[user] == {"producer_byte_rate": 5000}
    topic = topics.PARTNER_REFERRALS.name("leaving")
    async with Wire(changing_broker, user) as still_open:
        assert await still_open.write([topic]) == {topic: wire.GRANTED}
        conduit("partner", "offboard", "leaving", *BY)
        assert await still_open.write([topic]) == {topic: wire.TOPIC_REFUSED}
    open_doors(changing_broker, ("leaving",), ())
    assert users_of(PARTNER, "leaving", users(changing_broker.admin())) == []
    assert not list(folder(changing_broker.state_dir).glob(f"{user}*"))
    assert not password_path(changing_broker.state_dir, user).exists()
    assert user not in read_quotas(changing_broker)
    assert read_registers(changing_broker).partners["leaving"].suspended
    async with Wire(changing_broker, "service.intake") as intake:
        assert await intake.read([topic]) == {topic: wire.GRANTED}
    async with Wire(changing_broker, "service.notification") as notification:
        updates = topics.PARTNER_UPDATES.name("leaving")
        assert await notification.write([updates]) == {updates: wire.GRANTED}


def test_the_files_for_a_client_let_it_in_and_are_its_owners_alone(
    changing_broker: Broker, onboarded: Callable[[str], str]
) -> None:
    user = onboarded("equipped")
    files = {path.suffix: path for path in folder(changing_broker.state_dir).glob(f"{user}.*")}
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o600}
    assert folder(changing_broker.state_dir).stat().st_mode & 0o777 == 0o700
    options = dict(line.split("=", 1) for line in files[".conf"].read_text().splitlines())
    failures: list[object] = []
    producer = Producer(options)
    producer.produce(topics.PARTNER_REFERRALS.name("equipped"), b"{}", on_delivery=lambda error, _: failures.append(error))
    assert producer.flush(15) == 0
    assert failures == [None]
    assert parse_env(files[".env"].read_text())["KAFKA_SASL_PASSWORD"] == options["sasl.password"]


def test_who_sends_more_than_its_quota_is_slowed_down_and_no_other(
    changing_broker: Broker, conduit: Conduit, onboarded: Callable[[str], str]
) -> None:
    hasty, patient = onboarded("hasty"), onboarded("patient")
    conduit("partner", "onboard", "hasty", "--producer-byte-rate", "5000", *BY)

    def is_slowed(user: str, partner_id: str) -> bool:
        """Whether the broker makes the sender of 200 kB wait."""
        waits: list[float] = []
        options = {**changing_broker.librdkafka(user), "throttle_cb": lambda event: waits.append(event.throttle_time)}
        producer = Producer(options)
        for _ in range(20):
            producer.produce(topics.PARTNER_REFERRALS.name(partner_id), bytes(10_000), partition=0)
            producer.flush(1)
            if any(wait > 0 for wait in waits):
                return True
        return False

    assert not is_slowed(patient, "patient")
    assert is_slowed(hasty, "hasty")


def test_json_is_one_object_of_a_known_shape(conduit: Conduit) -> None:
    planned = json.loads(conduit(*onboarding("machine"), "--json").output)
    assert planned.keys() == {"subject", "applied", "steps", "notes", "files"}
    assert (planned["subject"], planned["applied"], planned["files"]) == ("partner.machine", False, [])
    assert {"do": "make", "what": "topic", "name": "partner.machine.updates.v1"} in planned["steps"]
    done = json.loads(conduit(*onboarding("machine"), *BY, "--json").output)
    assert (done["applied"], done["steps"]) == (True, planned["steps"])
    assert [Path(file).name for file in done["files"]] == ["partner.machine.env"]


def test_a_webhook_gets_a_secret_that_never_travels(changing_broker: Broker, conduit: Conduit) -> None:
    shown = conduit(*onboarding("hooked"), "--webhook-url", "https://partner.example/notices", *BY).output
    secret = changing_broker.state_dir / "secrets" / "webhooks" / "hooked"
    assert str(secret) in shown
    assert secret.read_text().startswith("whsec_")
    assert secret.read_text() not in shown
    assert read_registers(changing_broker).partners["hooked"].contact.webhook_secret == "hooked"
    conduit("partner", "onboard", "hooked", "--webhook-url", "", *BY)
    assert read_registers(changing_broker).partners["hooked"].contact.webhook_secret is None


def test_the_sandboxs_webhook_has_a_secret_of_its_own_and_stays_until_it_is_taken_away(
    changing_broker: Broker, conduit: Conduit
) -> None:
    shown = conduit(*onboarding("trying"), "--sandbox-webhook-url", "https://partner.example/tried", *BY).output
    secret = changing_broker.state_dir / "secrets" / "webhooks" / "trying.sandbox"
    assert str(secret) in shown
    conduit("partner", "onboard", "trying", "--email", "team@partner.example", *BY)
    entry = read_registers(changing_broker).partners["trying"]
    assert (entry.contact.webhook_url, entry.contact.email) == (None, "team@partner.example")
    assert entry.sandbox_contact is not None
    assert entry.sandbox_contact.webhook_secret == "trying.sandbox"
    conduit("partner", "onboard", "trying", "--sandbox-webhook-url", "", *BY)
    assert read_registers(changing_broker).partners["trying"].sandbox_contact is None


def test_a_force_is_registered_with_its_levels(changing_broker: Broker, conduit: Conduit) -> None:
    levels = ("--escalation-email", "duty@kent.example", "--escalation-email", "head@kent.example")
    conduit("force", "onboard", "kent", "--email", "team@kent.example", *levels, *BY)
    entry = read_registers(changing_broker).forces["kent"]
    assert [each.email for each in entry.escalation] == ["duty@kent.example", "head@kent.example"]
    department = ("--professional-standards", "standards@kent.example,+44 1632 960147")
    conduit("force", "onboard", "kent", *department, *BY)
    entry = read_registers(changing_broker).forces["kent"]
    assert entry.professional_standards is not None
    assert (entry.professional_standards.email, len(entry.escalation)) == ("standards@kent.example", 2)
    for wrong in ("standards", "a..b@kent.example", ",01622 496 0001", "x@kent.example,1,2"):
        assert (
            "--professional-standards"
            in conduit("force", "onboard", "kent", "--professional-standards", wrong, code=2).output
        )
    conduit("force", "onboard", "kent", "--professional-standards", "", *BY)
    assert read_registers(changing_broker).forces["kent"].professional_standards is None
    assert "is it kent" in conduit("force", "onboard", "kennt", code=3).output


@pytest.mark.parametrize(
    ("command", "code", "advice"),
    [
        (("partner", "suspend", "nobody"), 3, "`conduit partner onboard` puts it there"),
        (("partner", "rotate", "nobody"), 3, "`conduit partner onboard` puts it there"),
        (("partner", "onboard", "nobody"), 2, "give at least --name"),
        (("partner", "onboard", "No_Slug", "--name", "x"), 2, "give lower-case"),
        (("partner", "onboard", "nobody", "--name", "x", "--mou", "M"), 2, "give --valid-from and --valid-to"),
        (("partner", "onboard", "nobody", "--name", "x", "--email", "nonsense"), 2, "email"),
        (("partner", "resume", "known", "--mou", "OTHER"), 3, "it has MOU-KNOWN"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_to_do_instead(
    conduit: Conduit, onboarded: Callable[[str], str], command: tuple[str, ...], code: int, advice: str
) -> None:
    onboarded("known")
    assert advice in conduit(*command, code=code).output


def test_the_audit_keeps_who_when_what_and_why(changing_broker: Broker, conduit: Conduit) -> None:
    conduit(*onboarding("watched"), *BY)
    begun, done = (entry for entry in read_audit(changing_broker.state_dir) if entry["subject"] == "partner.watched")
    assert (begun["actor"], begun["reason"], begun["command"]) == ("jo.smith", "a test", "partner onboard")
    assert "make user partner.watched" in begun["steps"]
    assert (begun["outcome"], done["outcome"]) == ("begun", "done")
    assert "partner onboard partner.watched, done; a test" in conduit("audit", "--subject", "partner.watched").output


def test_a_permission_too_many_or_too_few_is_found_and_mended(changing_broker: Broker, conduit: Conduit) -> None:
    assert "nothing to do" in conduit("access").output
    admin = changing_broker.admin()
    missing = next(rule for rule in granted(admin) if rule.principal == "service.intake")
    surplus = Rule("partner.abc", Operation.READ, Resource.TOPIC, topics.PARTNER_UPDATES.name("ab"))
    grant(admin, [surplus])
    revoke(admin, [missing])
    steps = json.loads(conduit("access", "--json", code=1).output)["steps"]
    assert [(step["do"], step["name"].split()[0]) for step in steps] == [
        ("grant", "service.intake"),
        ("revoke", "partner.abc"),
    ]
    conduit("access", *BY)
    holds(changing_broker)


def test_the_registers_fold_to_the_last_entry_of_each(changing_broker: Broker, onboarded: Callable[[str], str]) -> None:
    onboarded("folded")
    found = read_registers(changing_broker)
    again = Registers()
    for partner in found.partners.values():
        again.put(partner)
    for force in found.forces.values():
        again.put(force)
    assert again == found
    assert found.of(PARTNER, "folded") == found.partners["folded"]
    assert found.of(FORCE, "folded") is None


def test_samples_are_registered_once_and_whoever_was_changed_since_stays_so(
    changing_broker: Broker, conduit: Conduit
) -> None:
    register_samples(changing_broker)
    first = read_registers(changing_broker)
    assert first.partners.keys() >= {"northlight", "open-door"}
    assert first.forces.keys() == set(forces())
    conduit("partner", "suspend", "northlight", *BY)
    register_samples(changing_broker)
    assert all(mou.suspended for mou in read_registers(changing_broker).partners["northlight"].mous)


def test_servers_that_exist_are_set_up_with_the_passwords_that_lie_there(
    changing_broker: Broker, postgres_dsn: str, tmp_path: Path
) -> None:
    secrets = shutil.copytree(changing_broker.state_dir / "secrets", tmp_path / "secrets")
    (secrets / "kafka-service.triage").write_text("given from elsewhere\n")
    environment = {
        **changing_broker.address(),
        "KAFKA_ADMIN_USERNAME": ADMIN,
        "KAFKA_ADMIN_PASSWORD": changing_broker.password(ADMIN),
        "POSTGRES_DSN": postgres_dsn,
        "PARTNER_IDS": "elsewhere, ",
        "STATE_DIR": str(tmp_path),
        **{password_variable(service): "synthetic" for service in topics.SERVICES},
    }
    setup.main(environment)
    holds(changing_broker)
    found = external_broker(tmp_path, environment)
    assert found.password("service.triage") == "given from elsewhere"
    for user, topic in (("service.triage", "intake.referrals.v1"), ("partner.elsewhere", "partner.elsewhere.updates.v1")):
        consumer = Consumer({**found.librdkafka(user), "group.id": f"{user}.x"})
        assert topic in consumer.list_topics(timeout=10).topics
        consumer.close()


def test_whom_the_broker_does_not_name_yet_is_let_in_all_the_same(
    changing_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker has taken a user some time before it lists it."""
    monkeypatch.setattr(doors, "users", lambda _: frozenset())
    open_doors(changing_broker, ("unnamed-yet",), ())
    wanted = expected_rules([topics.PARTNER_REFERRALS.name("unnamed-yet")], {"partner.unnamed-yet"})
    assert any(rule.principal == "partner.unnamed-yet" for rule in wanted)
    assert wanted <= granted(changing_broker.admin())


async def test_a_connection_of_who_was_offboarded_stays_shut_when_the_partner_comes_back(
    changing_broker: Broker, conduit: Conduit, onboarded: Callable[[str], str]
) -> None:
    old = onboarded("returning")
    reads, writes_to = topics.PARTNER_UPDATES.name("returning"), topics.PARTNER_REFERRALS.name("returning")
    async with Wire(changing_broker, old) as leaked:
        assert await leaked.read([reads]) == {reads: wire.GRANTED}
        conduit("partner", "offboard", "returning", *BY)
        conduit("partner", "onboard", "returning", *BY)
        # It is never asked who it is again: only what its name may do can hold it off.
        assert await leaked.read([reads]) == {reads: wire.TOPIC_REFUSED}
        assert await leaked.write([writes_to]) == {writes_to: wire.TOPIC_REFUSED}
    assert users_of(PARTNER, "returning", users(changing_broker.admin())) == [f"{old}.2"]
    assert read_registers(changing_broker).partners["returning"].generation == 2
    assert await writes(changing_broker, f"{old}.2", "returning") == wire.GRANTED


def test_what_cannot_be_read_in_the_register_is_named_and_passed_over_and_can_be_replaced(
    changing_broker: Broker, conduit: Conduit, onboarded: Callable[[str], str]
) -> None:
    onboarded("whole")
    onboarded("damaged")
    producer = Producer(changing_broker.librdkafka("service.programme"))
    nonsense = (("damaged", b"\xff nonsense"), ("never-seen", b""), ("\n", b"{}"))
    for key, value in nonsense:
        producer.produce(topics.PARTNERS.name(), value, key=key, headers=[("ce_type", None)])
    producer.produce(topics.FORCES.name(), b"{}", key="kent")
    assert producer.flush(30) == 0
    shown = conduit("partner", "list").output
    assert "whole: Synthetic" in shown
    assert "of partner.damaged, cannot be read and is passed over; `conduit partner onboard damaged` replaces it" in shown
    for act in (("suspend", "whole"), ("suspend", "damaged"), ("resume", "damaged"), ("offboard", "never-seen")):
        conduit("partner", *act, *BY)
    conduit("partner", "offboard", "damaged", *BY)
    conduit("force", "onboard", "kent", "--email", "desk@force.example", *BY)
    left = read_registers(changing_broker)
    assert left.partners["damaged"].suspended
    assert left.partners["never-seen"].suspended
    assert [each.key for each in left.unreadable] == [""]
    register_samples(changing_broker)


def test_while_the_programme_is_down_all_but_the_entry_is_done_and_no_number_is_used_twice(
    changing_broker: Broker,
    conduit: Conduit,
    onboarded: Callable[[str], str],
    programme: RunningProgramme,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = onboarded("patient")
    programme.stop()
    with monkeypatch.context() as hurried:
        hurried.setattr(orders, "PATIENCE", 0.5)
        said = conduit("partner", "suspend", "patient", "--wholly", *BY).output
        assert "the register's entry is ordered, and not written yet" in said
        assert "intake refuses already what is suspended" in said
        assert "nothing to do" in conduit("partner", "suspend", "patient", "--wholly", *BY).output, "it is ordered once"
        conduit("partner", "rotate", "patient", *BY)
        conduit("partner", "offboard", "patient", *BY)
        assert users_of(PARTNER, "patient", users(changing_broker.admin())) == []
        conduit("partner", "onboard", "patient", "--email", "new@partner.example", *BY)
        conduit("partner", "resume", "patient", *BY)
    assert users_of(PARTNER, "patient", users(changing_broker.admin())) == [f"{user}.3"]
    before = read_registers(changing_broker).partners["patient"]
    assert (before.suspended, before.generation, before.contact.email) == (False, 1, "desk@partner.example")
    programme.start()

    def all_of_it() -> bool:
        entry = read_registers(changing_broker).partners["patient"]
        return (entry.suspended, entry.generation, entry.contact.email) == (False, 3, "new@partner.example")

    wait_until(all_of_it, "the orders were not carried out", 60, lambda: None)
    assert "nothing to do" in conduit("partner", "resume", "patient", *BY).output


def test_what_was_decided_on_an_entry_that_stands_no_longer_is_refused_at_its_field(
    changing_broker: Broker, conduit: Conduit, onboarded: Callable[[str], str]
) -> None:
    onboarded("contended")
    stood = read_registers(changing_broker).partners["contended"]
    conduit("partner", "onboard", "contended", "--email", "other@partner.example", *BY)
    late = orders.orders_for(stood.model_copy(update={"name": "Late"}), stood, By("jo.smith", "a test"))
    placed = orders.place(changing_broker, late)
    with pytest.raises(RegisterError, match=r"entry\.contact: This has changed in the register"):
        orders.unanswered(changing_broker, placed)
    kept = read_registers(changing_broker).partners["contended"]
    assert (kept.name, kept.contact.email) == ("Synthetic", "other@partner.example")


def test_a_user_of_an_earlier_release_that_is_no_more_is_shut_out_at_the_next_start(changing_broker: Broker) -> None:
    admin = changing_broker.admin()
    rule = Rule("officer", Operation.WRITE, Resource.TOPIC, topics.TRIAGE_REVIEWS.name())
    create_users(admin, {"officer": "synthetic"})
    grant(admin, [rule])
    wait_until(lambda: "officer" in users(admin) and rule in granted(admin), "the user was not made", 30, lambda: None)
    open_doors(changing_broker, (), ())
    wait_until(
        lambda: "officer" not in users(admin) and rule not in granted(admin), "the user is still there", 30, lambda: None
    )
