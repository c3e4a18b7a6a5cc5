"""Whom alarms call, and who takes them, with the notification service running: by the commands and pages that people use."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlencode
from urllib.request import urlopen
from uuid import UUID

import asyncpg
import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner, Result

from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.intake import Callback, DangerReported
from conduit_contracts.programme import Contact, HubContactsApproved, HubContactsProposed
from conduit_contracts.topics import Topic
from conduit_local.demo.register_samples import register_samples
from conduit_local.demo.samples import SECOND_ON_DUTY
from conduit_local.services import HUB_EMAIL
from conduit_local.smtp_sink import read_messages
from conduit_local.stack import Options, Stack
from conduit_operate import duty_contacts
from conduit_operate.access import REGISTRAR, service_principal
from conduit_operate.audit import read_audit
from conduit_operate.cli import app
from conduit_operate.polling import wait_until
from conduit_operate.register import RegisterError
from tests.support.stacks import RunStack

Conduit = Callable[..., Result]
SECONDS = 180.0
ONE, OTHER = (
    ("--apply", "--actor", "jo.smith", "--reason", "a test"),
    ("--apply", "--actor", "a.okafor", "--reason", "agreed"),
)
CASEWORKER = "Example Caseworker"


@pytest.fixture(scope="module")
def stack(run_stack: RunStack) -> Iterator[Stack]:
    options = Options(
        services=("notification",), partner_ids=("northlight",), force_ids=("norfolk",), prepare=register_samples
    )
    with run_stack("duty", options) as started:
        yield started


@pytest.fixture
def conduit(stack: Stack) -> Conduit:
    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, [*arguments, "--state-dir", str(stack.state_dir)])
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def until(conduit: Conduit) -> Callable[[str, Sequence[str]], str]:
    """What a command says once it says this."""

    def wait(pattern: str, command: Sequence[str]) -> str:
        said: list[str] = []

        def says() -> bool:
            said[:] = [conduit(*command).output]
            return re.search(pattern, said[0]) is not None

        wait_until(says, f"{command} does not say {pattern}", SECONDS, lambda: None)
        return said[0]

    return wait


@pytest.fixture
def propose(conduit: Conduit) -> Callable[..., str]:
    """Propose these addresses; returns the proposal's id."""

    def run(*emails: str) -> str:
        named = [part for email in emails for part in ("--contact", email)]
        found = re.search(r"proposed: ([0-9a-f-]{36})", conduit("hub", "propose", *named, *ONE).output)
        assert found is not None
        return found[1]

    return run


Until = Callable[[str, Sequence[str]], str]
SHOW, LIST = ("hub", "show"), ("duty", "list")


def await_mail(stack: Stack, subject: str, *addresses: str) -> None:
    """Until each of them has such a message."""
    for address in addresses:
        wait_until(partial(mailed_to, stack, address, subject), f"no mail to {address}", SECONDS, lambda: None)


def mailed_to(stack: Stack, address: str, subject: str) -> bool:
    """Whether such a message came."""
    return any(each["X-Envelope-To"] == address and subject in each["Subject"] for each in read_messages(stack.smtp_folder))


def test_a_stack_comes_with_two_to_call_and_whoever_replaces_them_stays(
    stack: Stack, conduit: Conduit, until: Until, propose: Callable[..., str]
) -> None:
    shown = until(r"1\. .*\n2\. ", SHOW)
    assert [line.split()[1] for line in shown.splitlines()] == [HUB_EMAIL, SECOND_ON_DUTY]
    assert "no telephone" not in shown
    proposal = propose("third@hub.example,01632 960003", "fourth@hub.example")
    until(proposal, SHOW)
    await_mail(stack, "has been proposed", HUB_EMAIL, SECOND_ON_DUTY)
    conduit("hub", "approve", proposal, *OTHER)
    shown = until(r"1\. third@", SHOW)
    assert "1. third@hub.example  +441632960003\n2. fourth@hub.example  no telephone\n" in shown
    await_mail(stack, "have been changed", HUB_EMAIL, SECOND_ON_DUTY)
    register_samples(stack.broker)
    again = propose("fifth@hub.example", "sixth@hub.example")
    assert "1. third@" in until(again, SHOW), "the samples came back"
    commands = [(line["command"], line["actor"]) for line in read_audit(stack.state_dir) if line["outcome"] == "done"]
    assert commands[:2] == [("hub propose", "jo.smith"), ("hub approve", "a.okafor")]


def test_neither_credential_does_the_others_part(stack: Stack, until: Until, propose: Callable[..., str]) -> None:
    contacts = (Contact(email="mine@hub.example"), Contact(email="mine-too@hub.example"))
    proposal = HubContactsProposed(proposal_id=uuid7(), contacts=contacts, proposed_by="jo.smith")
    approval = HubContactsApproved(proposal_id=proposal.proposal_id, digest=proposal.digest, approved_by="nobody")
    duty_contacts.propose(stack.broker, proposal)
    for user, topic, message in (
        (REGISTRAR, topics.HUB_APPROVALS, approval),
        (topics.DUTY, topics.HUB_CONTACTS, proposal),
        (topics.OPERATOR, topics.HUB_APPROVALS, approval),
        ("partner.northlight", topics.HUB_CONTACTS, proposal),
    ):
        with pytest.raises(RegisterError, match=r"(?i)authorization failed"):
            duty_contacts.write(stack.broker, user, topic, message)
    until(str(proposal.proposal_id), SHOW)
    behind = propose("seventh@hub.example", "eighth@hub.example")
    assert not re.search(r"\d\. mine@", until(behind, SHOW))


@pytest.mark.parametrize("name", ["jo.smith", " Jo.Smith "])
def test_whoever_proposes_does_not_approve_whatever_credential_they_hold(
    stack: Stack, conduit: Conduit, until: Until, propose: Callable[..., str], name: str
) -> None:
    proposal = propose("own@hub.example", "own-too@hub.example")
    until(proposal, SHOW)
    refused = conduit("hub", "approve", proposal, "--apply", "--actor", name, "--reason", "in a hurry", code=1).output
    assert "ask someone else" in refused
    contacts = (Contact(email="own@hub.example"), Contact(email="own-too@hub.example"))
    digest = HubContactsProposed(proposal_id=uuid7(), contacts=contacts, proposed_by="-").digest
    own = HubContactsApproved(proposal_id=UUID(proposal), digest=digest, approved_by=name)
    duty_contacts.approve(stack.broker, own)
    duty_contacts.approve(
        stack.broker, own.model_copy(update={"approved_by": "a.okafor"})
    )  # after it, on the same partition
    wait_until(lambda: approved_by(stack, own.proposal_id) is not None, "not in effect", SECONDS, lambda: None)
    assert approved_by(stack, own.proposal_id) == "a.okafor"


def approved_by(stack: Stack, proposal_id: UUID) -> str | None:
    """By whose approval the change took effect."""

    async def ask() -> str | None:
        connection = await asyncpg.connect(stack.dsns["notification"])
        try:
            statement = "SELECT approved_by FROM hub_changes WHERE proposal_id = $1 AND in_effect_at IS NOT NULL"
            found: str | None = await connection.fetchval(statement, proposal_id)
            return found
        finally:
            await connection.close()

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("contacts", "text"),
    [
        (("one@hub.example",), "--contact twice or more"),
        (("one@hub.example", "ONE@hub.example"), "with an address of its own"),
        (("one@hub.example", "two@hub.example,banana"), "not a telephone number"),
        (("one@hub.example", "two"), "not an e-mail address"),
    ],
)
def test_contacts_that_would_leave_an_alarm_unheard_are_refused(
    conduit: Conduit, contacts: tuple[str, ...], text: str
) -> None:
    named = [part for each in contacts for part in ("--contact", each)]
    assert text in conduit("hub", "propose", *named, code=2).output


def test_a_danger_is_taken_by_the_page_or_the_command_and_the_second_is_told_who_has_it(
    stack: Stack, conduit: Conduit, until: Until
) -> None:
    for reference in ("NL-1", "NL-2"):
        report(stack, reference)
    listed = until("2 duty tasks are waiting", LIST)
    by_reference = {line.split()[-1]: line.split()[0] for line in listed.splitlines() if "DANGER danger_refused" in line}
    assert set(by_reference) == {"NL-1", "NL-2"}
    assert CASEWORKER not in listed

    taken = conduit("duty", "take", by_reference["NL-1"], "--actor", "Ada  Example").output
    assert CASEWORKER in taken
    assert "Call the partner back now" in taken
    assert conduit("duty", "take", by_reference["NL-1"], "--actor", "Bo Example", code=1).output == (
        "Ada Example has already taken it\n"
    )
    assert CASEWORKER in conduit("duty", "take", by_reference["NL-1"], "--actor", "Ada Example").output
    conduit("duty", "take", by_reference["NL-2"], "--actor", "\u200b", code=2)

    link = link_of(stack, by_reference["NL-2"])
    assert CASEWORKER not in get(link)
    assert "The task is yours" in (page := get(link, name="Cy Example"))
    assert CASEWORKER in page
    assert 'href="tel:01632960147"' in page
    assert "Taken by Cy Example" in (page := get(link, name="Di Example"))
    assert CASEWORKER not in page
    assert conduit("duty", "take", by_reference["NL-2"], "--actor", "Di Example", code=1).output == (
        "Cy Example has already taken it\n"
    )
    assert conduit("duty", "list").output == "0 duty tasks are waiting\n"
    assert "no such task" in conduit("duty", "take", str(uuid7()), "--actor", "Ada Example", code=3).output


def report(stack: Stack, reference: str) -> None:
    """As intake does where it refuses something that says danger."""
    caseworker = Callback(name=CASEWORKER, telephone="01632 960147")
    said = DangerReported(
        partner_id="northlight",
        partner_reference=reference,
        submission_id=f"partner.northlight.referrals.v1/0/{reference[-1]}",
        codes=("body_invalid",),
        callback=caseworker,
    )
    topic: Topic = topics.INTAKE_DANGERS
    headers, value = encode(said, Attributes(str(uuid7()), "/intake", said.type, datetime.now(UTC)))
    producer = Producer({**stack.broker.librdkafka(service_principal("intake")), "acks": "all", "log_level": 0})
    producer.produce(topic.name(), value, f"northlight/{reference}", headers=list(headers))
    assert not producer.flush(SECONDS)


def link_of(stack: Stack, task_id: str) -> str:
    """The link in the mail about this task."""
    found: list[str] = []

    def has_come() -> bool:
        texts = [each.get_content() for each in read_messages(stack.smtp_folder)]
        found[:] = [link for text in texts if task_id in text for link in re.findall(r"http\S+/duty/\S+", text)]
        return bool(found)

    wait_until(has_come, "no mail with the link", SECONDS, lambda: None)
    return found[0]


def get(link: str, **form: str) -> str:
    """The page; with a form it is posted."""
    with urlopen(link, urlencode(form).encode() if form else None, timeout=SECONDS) as answer:  # noqa: S310  our own
        return str(answer.read().decode())
