"""An officer decides on the pages of a whole stack: it is signed, triage or routing takes it, and the page says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from time import monotonic, sleep, time
from typing import Any
from uuid import UUID

import httpx
import pytest
from confluent_kafka import Producer

from conduit_chassis.people import account_of
from conduit_contracts.envelope import Attributes, Message, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import Contact, ForceRegistered
from conduit_contracts.referral import OffencePlace, Person, Pseudonymous, Role
from conduit_contracts.topics import FORCES, INTAKE_REFERRALS
from conduit_local.personas import PERSONAS, registered
from conduit_local.services import POLICY_FILE
from conduit_local.stack import Options, Stack
from conduit_operate.polling import wait_until
from conduit_operate.secured import ADMIN
from conduit_web.html import LONDON
from services.triage.tests.builders import received, supplied
from tests.security.visiting import Visitor
from tests.support.stacks import RunStack

pytestmark = pytest.mark.long
SECONDS = 90.0
NEWS_SECONDS = 6.0
"""What happened shortly before a page was made is news to triage, so that officers decline on what they had read."""
ACCEPTED = {"grounds-number_of_victims": "yes", "comment": "Night's words."}
_HIDDEN = re.compile(r'<input type="hidden" name="(seen|key|mark|form_token)" value="([^"]*)">')
WORDS = "One force can deal with this."
WHY = "Synthetic reason."
KENT, ESSEX, SURREY, NORFOLK = FORCES_THERE = ("kent", "essex", "surrey", "norfolk")
NUMBER = "+441632960147"
CLOCKS = re.compile(r"(?<=\[routing\.clocks\.priority\]\n)receipt = \d+")


@pytest.fixture(scope="module")
def stack(run_stack: RunStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    policy = tmp_path_factory.mktemp("policy") / "policy.toml"
    # A force is late at once, so that an officer can chase it; the clock's own next step is hours away.
    policy.write_text(CLOCKS.sub("receipt = 3", POLICY_FILE.read_text(encoding="utf-8")), encoding="utf-8")
    services = ("triage", "routing", "console")
    options = Options(services=services, partner_ids=("northlight",), force_ids=FORCES_THERE, policy_file=policy, pages=True)
    with run_stack("deciding", options) as started:
        yield started


class Officer(Visitor):
    """Signed in as a persona."""

    def __init__(self, url: str, client: httpx.Client, subject: str) -> None:
        super().__init__(url, client)
        assert self.sign_in(subject, auth_time=int(time())).headers["location"] == "/asked"

    def read(self, path: str) -> str:
        return self.get(path).text

    def send(self, path: str, **answers: str) -> str:
        """Fill in the form of this page; where it leads."""
        hidden = dict(
            re.findall(r'<input type="hidden" name="(seen|key|mark|form_token)" value="([^"]*)">', self.read(path))
        )
        answer = self.ask("POST", path.partition("?")[0], {**hidden, **answers})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def act(self, path: str, **form: str) -> None:
        """Press a button that leads back to a case."""
        (token, *_) = re.findall(r'name="form_token" value="([^"]*)"', self.read("/asked"))
        assert self.ask("POST", path, {"form_token": token, **form}).status_code == 303

    def link(self, path: str, name: str, since: float = 0.0) -> str:
        """The link of a case's page to a decision, once it is there and the page is complete up to `since`."""
        found: list[str] = []

        def is_there() -> bool:
            found[:] = re.findall(rf'href="({path}/{name}[?]seen=\d+)"', self.read(path))
            return bool(found) and int(found[0].partition("=")[2]) / 1_000_000 >= since

        wait_until(is_there, "the question does not reach the console", SECONDS, lambda: None)
        return found[0]

    def reads(self, path: str, words: str) -> str:
        """The page, once it says this; what it says instead is told."""
        text = self.read(path)
        until = monotonic() + SECONDS
        while words not in text:
            if monotonic() > until:
                raise AssertionError(f"{path} does not say {words!r}, but: {_shown(text)}")
            sleep(0.2)
            text = self.read(path)
        return text


def _shown(page: str) -> str:
    """What is read on a page: its main part, without tags."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.partition("<main")[2].partition("</main>")[0]).split())


def publish(stack: Stack, topic: str, key: str, message: Message) -> None:
    """Say what another would."""
    headers, value = encode(message, Attributes(str(uuid7()), "/conduit/test", message.type, datetime.now(UTC)))
    producer = Producer({**stack.broker.librdkafka(ADMIN), "log_level": 0})
    producer.produce(topic, key=key.encode(), value=value, headers=dict(headers))
    assert producer.flush(30) == 0


def refer(stack: Stack, *forces: str) -> UUID:
    """Say what intake would of a new referral that a person must look at, which happened in these forces' areas."""
    referral_id = uuid7()
    places = tuple(OffencePlace(place_id=f"L{number}", force_id=each) for number, each in enumerate(forces, 1))
    publish(stack, INTAKE_REFERRALS.name(), str(referral_id), received(referral_id=referral_id, places=places))
    return referral_id


def test_of_two_officers_at_once_one_declines_and_the_other_is_told_by_whom(stack: Stack) -> None:
    case = f"/cases/{refer(stack)}"
    with httpx.Client(trust_env=False, timeout=30) as first, httpx.Client(trust_env=False, timeout=30) as second:
        day = Officer(stack.url("console"), first, "officer")
        night = Officer(stack.url("console"), second, "night-officer")
        day.link(case, "decline")
        declining = day.send(day.link(case, "decline", time() + NEWS_SECONDS), decline_reason="not_complex", comment=WORDS)
        accepting = night.send(
            night.link(case, "accept"), **{"grounds-number_of_victims": "yes", "comment": "Night's words."}
        )
        declined = day.send(declining)
        day.reads(declined, "It took effect at")
        accepted = night.send(accepting)
        told = night.reads(accepted, "It changed nothing. What you wrote is kept.")
        assert "It was decided already" in told
        assert "The referral was declined" in told
        assert "Triage officer, days" in told
        assert "Night&#39;s words." in told


def test_every_decision_about_a_hand_off_is_taken_from_its_page(stack: Stack) -> None:
    """One case: tied, looked after, led, chased, given to another force, taken on by telephone, and at last restricted."""
    publish(stack, FORCES.name(), KENT, ForceRegistered(force_id=KENT, contact=Contact(telephone=NUMBER)))
    referral_id = refer(stack, KENT, ESSEX)
    case = f"/cases/{referral_id}"
    with httpx.Client(trust_env=False, timeout=30) as first, httpx.Client(trust_env=False, timeout=30) as second:
        officer, supervisor = (
            Officer(stack.url("console"), client, who) for client, who in ((first, "officer"), (second, "supervisor"))
        )

        def decide(path: str, *, since: float = 0.0, **answers: Any) -> None:
            """By the case's link to the form, past the page that shows it, until it took effect."""
            sent = officer.send(officer.send(officer.link(case, path, since), **answers))
            officer.reads(sent, "It took effect at")

        officer.reads(case, "The rules cannot say which force leads")
        decide("interim-owner", force_id=SURREY, reason=WHY)
        call: dict[str, Any] = {"spoken_at": f"{datetime.now(LONDON):%H:%M}", "comment": WHY}
        decide("call", whom="partner", spoke_to="Caseworker", outcome="will_call_back", **call)
        decide("home-force", home_force=KENT, reason=WHY)
        decide("chase", force_id=ESSEX, reason=WHY)
        decide("escalate", force_id=ESSEX, reason=WHY)
        decide("reroute", from_force=ESSEX, to_force=NORFOLK, reason=WHY)
        for each in (SURREY, NORFOLK):
            decide("stand-down", since=time() + NEWS_SECONDS, force_id=each, reason=WHY)
        roles: dict[str, Any] = {
            "spoke_for_hub": "Duty officer",
            "spoke_for_force": "Sergeant on duty",
            "victim_contact": WHY,
        }
        call["spoken_at"] = f"{datetime.now(LONDON):%H:%M}"
        decide("acknowledgement", called=f"{KENT} {NUMBER}", **roles, **call)
        text = officer.reads(case, "Every force has acknowledged: handed over")
        assert "by telephone" in text
        suspect = Person(
            person_id="S1",
            role=Role.SUSPECT,
            identity=Pseudonymous(pseudonym="Example S1"),
            suspect_is_police=True,
            suspect_force_id=NORFOLK,
        )
        publish(stack, INTAKE_REFERRALS.name(), str(referral_id), supplied(referral_id, persons=(suspect,)))
        officer.reads(case, "This case is restricted")
        supervisor.act(f"{case}/name-officer", officer=account_of(registered(PERSONAS[0], "https://any.example")))
        decide("standards", force_id=NORFOLK, reason=WHY)
