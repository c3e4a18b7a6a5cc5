"""What must have become of each record, by its place, and what did."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition

from conduit_chassis.records import Delivery, Reader, Refusal
from conduit_contracts import notification, routing, topics
from conduit_contracts.programme import PartnerRegistered
from conduit_intake.submissions import Partner
from conduit_local.stack import Stack
from conduit_operate.access import user_of
from conduit_operate.broker import Broker
from tests.fuzz.sending import Sent

INTAKE = Reader("intake", topics.consumed_by("intake"), {PartnerRegistered.type: Partner})
ROUTING = Reader("routing", topics.consumed_by("routing"), {})
ACCEPTED = {"received", "repeated", "forwarded"}


@dataclass
class Expected:
    """How the services must read what was sent, by the chassis' own reader."""

    refused: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The codes of the problems of records that cannot be read."""
    delivered: dict[str, Delivery[Any]] = field(default_factory=dict)
    groups: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    """Places by what makes records the same one: of each group exactly one takes effect."""

    def add(self, reader: Reader, sent: Iterable[Sent]) -> None:
        """Read them as the service does."""
        for each in sent:
            item = reader.read(each.record)
            self.groups[each.record.topic, item.inbox_id].append(each.position)
            if isinstance(item.content, Refusal):
                self.refused[each.position] = tuple(problem.code for problem in item.content.problems)
            else:
                self.delivered[each.position] = item.content

    @property
    def positions(self) -> set[str]:
        """Every place."""
        return self.refused.keys() | self.delivered.keys()

    @property
    def duplicates(self) -> int:
        """How many records were another's over again."""
        return len(self.positions) - len(self.groups)

    def check_groups(self, effective: set[str]) -> None:
        """Of each group one place had an effect, and no other place had any."""
        wrong = {name: found for name, found in self.groups.items() if len(effective.intersection(found)) != 1}
        assert wrong == {}
        assert effective <= self.positions


def submissions(stack: Stack) -> dict[str, list[tuple[str, str]]]:
    """Intake's outcome and codes by place. A list, so that a second outcome of one place shows."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for place, outcome, codes in _rows(stack, "intake", "SELECT submission_id, outcome, codes FROM submissions"):
        found[place].append((outcome, codes))
    return found


def dead_letters(stack: Stack, service: str) -> dict[str, str]:
    """The reason by place."""
    query = "SELECT topic || '/' || partition || '/' || record_offset, reason FROM dead_letters"
    return dict(_rows(stack, service, query))


def causes(stack: Stack) -> set[str]:
    """The places of forces' records that changed a case."""
    query = "SELECT DISTINCT cause_id FROM history WHERE starts_with(cause_id, 'force.')"
    return {row[0] for row in _rows(stack, "routing", query)}


def cases_of(stack: Stack, force: str) -> list[str]:
    """The ids of the cases that a force holds."""
    return [str(row[0]) for row in _rows(stack, "routing", "SELECT referral_id FROM handoffs WHERE force_id = %s", (force,))]


def unsent(stack: Stack) -> int:
    """Events that no relay has sent yet."""
    return sum(_rows(stack, name, "SELECT count(*) FROM outbox")[0][0] for name in stack.options.services)


def early(stack: Stack) -> int:
    """Updates that wait for the referral that they are about."""
    return int(_rows(stack, "intake", "SELECT count(*) FROM early_updates")[0][0])


def _rows(stack: Stack, service: str, query: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with psycopg.connect(stack.dsns[service]) as connection:
        return connection.execute(query, arguments).fetchall()


async def told_partner(broker: Broker, partner: str) -> dict[str, tuple[str, ...]]:
    """The codes of each rejection that a partner's own topic holds, by the place of the record."""
    topic, kind = topics.PARTNER_UPDATES.name(partner), notification.SubmissionRejected.type
    found = await _read(broker, user_of("partner", partner), topic)
    return {value["submission_id"]: _codes(value) for type_, value in found if type_ == kind}


async def told_force(broker: Broker, force: str) -> dict[str, tuple[str, ...]]:
    """The same of a force."""
    topic, kind = topics.FORCE_CASES.name(force), routing.ResponseRejected.type
    found = await _read(broker, user_of("force", force), topic)
    return {value["response_id"]: _codes(value) for type_, value in found if type_ == kind}


def _codes(value: Any) -> tuple[str, ...]:
    return tuple(problem["code"] for problem in value["problems"])


async def _read(broker: Broker, user: str, topic: str) -> list[tuple[str, Any]]:
    """All that a topic holds: type and value."""
    consumer = AIOKafkaConsumer(**broker.aiokafka(user), enable_auto_commit=False)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        found = []
        while await consumer.position(partition) < end:
            for record in (await consumer.getmany(partition, timeout_ms=500)).get(partition, ()):
                kind = dict(record.headers)["ce_type"].decode()
                found.append((kind, json.loads(record.value)))
        return found
    finally:
        await consumer.stop()


def consumed(stack: Stack, service: str, topic: topics.Topic) -> Counter[str]:
    """The service's own count of a topic's records, by outcome."""
    text = httpx.get(f"{stack.url(service)}/metrics", trust_env=False).text
    found: Counter[str] = Counter()
    for line in text.splitlines():
        if line.startswith("conduit_consumed_records_total{") and f'topic="{topic.template}"' in line:
            outcome = line.partition('outcome="')[2].partition('"')[0]
            found[outcome] += int(float(line.rpartition(" ")[2]))
    return found


async def until(check: Any, what: str, seconds: float = 120) -> None:
    """Wait until something holds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not await asyncio.to_thread(check):
        assert loop.time() < end, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.2)
