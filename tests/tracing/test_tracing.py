"""A referral's trace, from its partner's header to the force's record, as a collector receives it from the real services."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from conduit_contracts import topics
from conduit_contracts.referral import Ground
from conduit_contracts.triage import DecideReview, ReviewOutcome
from conduit_local.demo.post import Post
from conduit_local.demo.records import Wire, partner_record
from conduit_local.demo.samples import Sample, load_samples
from conduit_local.local_officers import LocalOfficers
from conduit_local.stack import Stack
from conduit_operate.env_file import parse_env
from conduit_operate.http_clients import HttpClients
from tests.support.collector import Collector, Seen

SECONDS = 60.0
PARTNER, FORCE = "harbour-trust", "west-midlands"
OFFICER = "a.okafor"
HIDDEN = "tracestate-of-somebody"
FROM_INTAKE = [
    ("conduit-intake", "create intake.referrals.v1"),
    ("conduit-triage", "process intake.referrals.v1"),
    ("conduit-triage", "create triage.decisions.v1"),
    ("conduit-routing", "process triage.decisions.v1"),
    ("conduit-routing", "create force.{force_id}.cases.v1"),
]


class Caller:
    """Somebody's own span, which the hub's are to follow."""

    def __init__(self) -> None:
        self.trace, self.span = secrets.token_hex(16), secrets.token_hex(8)
        self.header = f"00-{self.trace}-{self.span}-01"

    def headers(self) -> list[tuple[str, bytes | None]]:
        return [("traceparent", self.header.encode()), ("tracestate", f"vendor={HIDDEN}".encode())]


def sample(number: str) -> Sample:
    found = next(each for each in load_samples() if each.number == number)
    return Sample(found.number, found.name, found.case.model_copy(update={"partner": PARTNER}), found.base)


def traced(wire: Wire, caller: Caller) -> Wire:
    return replace(wire, headers=[*wire.headers, *caller.headers()])


async def to_the_force(stack: Stack, trace: str) -> str:
    """The span that the force's record of this trace carries."""
    login = stack.broker.aiokafka(f"force.{FORCE}")
    consumer = AIOKafkaConsumer(topics.FORCE_CASES.name(FORCE), **login, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(SECONDS):
            async for record in consumer:
                headers = dict(record.headers)
                assert HIDDEN.encode() not in b" ".join(headers.values())
                _, found, span, flags = headers["traceparent"].decode().split("-")
                if found == trace:
                    assert flags == "01"
                    return str(span)
    finally:
        await consumer.stop()
    raise AssertionError("the consumer ended")


async def wait_for(collector: Collector, caller: Caller, *wanted: str, by: Collection[str] = ()) -> list[Seen]:
    """The caller's trace, once these names and services are in it, every event that was created has been sent, and no span's
    parent is missing: each process sends its spans when it likes, so that a later one may be here before its parent."""

    def check(spans: Sequence[Seen]) -> list[Seen]:
        found = [span for span in spans if span.trace == caller.trace]
        created = {span.id for span in found if span.operation == "create"}
        sent = {span.parent for span in found if span.operation == "send"}
        named = {*wanted} <= {span.name for span in found} and {*by} <= {span.service for span in found}
        return found if named and created <= sent and one_tree(found, caller.span) else []

    found: list[Seen] = await asyncio.to_thread(collector.wait_for, check, f"{wanted} in trace {caller.trace}")
    return found


def way(spans: Sequence[Seen], last: str) -> tuple[list[tuple[str, str]], str]:
    """Service and name of each span from the first to this one, and the span outside that the first follows."""
    by_id = {span.id: span for span in spans}
    found: list[tuple[str, str]] = []
    while last in by_id:
        found.insert(0, (by_id[last].service, by_id[last].name))
        last = by_id[last].parent
    return found, last


def one_tree(spans: Sequence[Seen], root: str) -> bool:
    """Whether every span hangs on another, down to this one."""
    return all(way(spans, span.id)[1] == root for span in spans)


def texts(value: Any) -> Iterator[str]:
    """Every text of four characters or more in a document; shorter ones, such as `V1`, are in any bytes by chance."""
    if isinstance(value, str) and len(value) > 3:
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(inner)


def reveals_nothing(collector: Collector, *known: str) -> None:
    received = b"\n".join(collector.bodies).lower()
    assert b"conduit-triage" in received
    assert [text for text in known if text.lower().encode() in received] == []


@pytest.fixture(scope="module")
def client(stack: Stack) -> dict[str, str]:
    """The partner's client of the HTTP API."""
    clients = HttpClients(stack.dsns["intake"], stack.url("intake"), stack.state_dir / "clients" / "http")
    clients.make(PARTNER)
    return parse_env(clients.path(PARTNER).read_text())


async def test_a_record_from_a_partner_is_one_tree_down_to_the_forces_record_and_shows_nothing_of_the_referral(
    stack: Stack, post: Post, collector: Collector
) -> None:
    caller, referral = Caller(), sample("001")
    await (await post.send(traced(partner_record(referral, 0, "kafka"), caller)))
    last = await to_the_force(stack, caller.trace)
    everybody = {
        f"conduit-{name}" for name in {"intake", *topics.INTAKE_REFERRALS.consumers, *topics.TRIAGE_DECISIONS.consumers}
    }
    spans = await wait_for(collector, caller, "send force.{force_id}.cases.v1", "process routing.cases.v1", by=everybody)
    first = ("conduit-intake", "process partner.{partner_id}.referrals.v1")
    assert way(spans, last) == ([first, *FROM_INTAKE], caller.span)
    assert one_tree(spans, caller.span)
    assert {span.service for span in spans} == everybody, "the programme hears of no referral"
    assert not any(span.failed for span in spans)
    assert {span.values.get("conduit.outcome") for span in spans if span.operation == "process"} == {"handled"}
    body = referral.body(0, "kafka")
    assert len(set(texts(body))) > 15
    reveals_nothing(collector, *texts(body), PARTNER, FORCE, HIDDEN)


async def test_a_request_is_the_same_tree_under_a_span_of_the_server(
    stack: Stack, post: Post, client: dict[str, str], collector: Collector
) -> None:
    caller, body = Caller(), sample("001").body(0, "http")["referral"]
    async with httpx.AsyncClient(base_url=client["CONDUIT_URL"], trust_env=False) as partner:
        login = (client["CONDUIT_CLIENT_ID"], client["CONDUIT_CLIENT_SECRET"])
        given = await partner.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=login)
        own = {"Authorization": f"Bearer {given.json()['access_token']}"}
        headers = own | {"Idempotency-Key": "a-key-of-the-partner", "Content-Type": "application/json"}
        context = {name: value.decode() for name, value in caller.headers() if value is not None}
        answer = await partner.post("/v1/referrals", content=json.dumps(body), headers=headers | context)
        assert answer.status_code == 202, answer.text
        referral_id = answer.json()["referral_id"]
        look = await partner.get(f"/v1/referrals/{referral_id}?secret=of-the-query", headers=own)
    last = await to_the_force(stack, caller.trace)
    spans = await wait_for(collector, caller, "send force.{force_id}.cases.v1")
    assert way(spans, last) == ([("conduit-intake", "POST /v1/referrals"), *FROM_INTAKE], caller.span)
    assert one_tree(spans, caller.span)
    (server,) = [span for span in spans if span.kind == "SERVER"]
    assert server.values["http.response.status_code"] == 202
    (seen,) = await asyncio.to_thread(
        collector.wait_for,
        lambda found: [span for span in found if span.name == "GET /v1/referrals/{referral_id}"],
        "the look",
    )
    assert seen.values == {
        "http.request.method": "GET",
        "http.route": "/v1/referrals/{referral_id}",
        "http.response.status_code": look.status_code,
        "url.scheme": "http",
    }
    secret = (client["CONDUIT_CLIENT_SECRET"], "a-key-of-the-partner", "of-the-query", own["Authorization"].split()[1])
    reveals_nothing(collector, *texts(body), *secret, PARTNER, HIDDEN, "127.0.0.1", "httpx")


async def test_what_an_officer_decides_later_is_the_officers_trace_and_points_to_the_referrals(
    stack: Stack, post: Post, collector: Collector
) -> None:
    partner, officer = Caller(), Caller()
    await (await post.send(traced(partner_record(sample("004"), 0, "officer"), partner)))
    before = await wait_for(collector, partner, "create triage.decisions.v1")
    opened = next(span for span in before if span.name == "create triage.decisions.v1")
    referral_id = opened.values["messaging.message.conversation_id"]
    await (await post.send(traced(accepted(referral_id, LocalOfficers.of(stack.state_dir)), officer)))
    last = await to_the_force(stack, officer.trace)
    spans = await wait_for(collector, officer, "send force.{force_id}.cases.v1")
    first = ("conduit-triage", "process triage.reviews.v1")
    assert way(spans, last) == ([first, *FROM_INTAKE[2:]], officer.span)
    decided = next(span for span in spans if span.name == "create triage.decisions.v1")
    assert decided.values["messaging.message.conversation_id"] == referral_id
    assert decided.links == ((partner.trace, opened.id),)
    reveals_nothing(collector, OFFICER, "Synthetic: a children's home", HIDDEN)


def accepted(referral_id: str, officers: LocalOfficers) -> Wire:
    command = DecideReview(
        referral_id=UUID(referral_id),
        officer_id=OFFICER,
        outcome=ReviewOutcome.ACCEPT,
        grounds=(Ground.NATURE_OF_INVESTIGATION,),
    )
    headers, value = officers.command(topics.TRIAGE_REVIEWS.name(), command)
    return Wire(topics.TRIAGE_REVIEWS.name(), referral_id.encode(), headers, value)
