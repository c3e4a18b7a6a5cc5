"""How many records of which size the conduit publishes per referral at each hop; and the bare pipeline's plan from that."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from confluent_kafka import Consumer, TopicPartition

from conduit_contracts import topics
from conduit_contracts.topics import Topic
from conduit_local.stack import Stack
from conduit_operate.secured import ADMIN
from tests.benchmarks.load import PARTNERS

PREFIX = "bench.bare."
PARTS_HEADER = "parts"
"""Tells the bare pipeline how many forces a referral goes to: finding out is domain work, the records are not."""
NOTED_BYTES = 200
"""What notification keeps of a record: it stores states and codes, no content."""
_SAMPLE = 400
_STORED: Mapping[str, Sequence[tuple[Topic, int | None]]] = {
    "intake": ((topics.PARTNER_REFERRALS, None), (topics.PARTNER_UPDATES, None)),
    "triage": ((topics.INTAKE_REFERRALS, None),),
    "routing": ((topics.TRIAGE_DECISIONS, None),),
    "notification": tuple(
        (topic, NOTED_BYTES) for topic in (topics.INTAKE_REFERRALS, topics.TRIAGE_DECISIONS, topics.ROUTING_CASES)
    ),
}
_LEADS_TO: Mapping[tuple[str, Topic], Sequence[Topic]] = {
    ("intake", topics.PARTNER_REFERRALS): (topics.INTAKE_REFERRALS,),
    ("triage", topics.INTAKE_REFERRALS): (topics.TRIAGE_DECISIONS,),
    ("routing", topics.TRIAGE_DECISIONS): (topics.FORCE_CASES, topics.ROUTING_CASES),
    **{("notification", topic): (topics.PARTNER_UPDATES,) for topic, _ in _STORED["notification"]},
}


@dataclass(frozen=True)
class Shape:
    """Of one kind of topic: records per referral, and the mean size of a record's value."""

    per_referral: float
    value_bytes: int


@dataclass(frozen=True)
class Target:
    """Where records go, how large, and how many for each that came; 0: as many as the referral has forces."""

    topics: list[str]
    partitions: int
    value_bytes: int
    per_record: float


@dataclass(frozen=True)
class Source:
    """A kind of record that a stage takes; `stored_bytes` None: the whole value is stored."""

    name: str
    topics: list[str]
    stored_bytes: int | None
    targets: list[Target]


@dataclass(frozen=True)
class Plan:
    """One stage of the bare pipeline."""

    stage: str
    sources: list[Source]

    @classmethod
    def read(cls, plans: dict[str, Any], stage: str) -> Self:
        """From what `plans` made, as JSON."""
        sources = [
            Source(s["name"], s["topics"], s["stored_bytes"], [Target(**target) for target in s["targets"]])
            for s in plans[stage]["sources"]
        ]
        return cls(stage, sources)


def measure(stack: Stack) -> dict[str, Shape]:
    """What the conduit has published so far, per referral that it was sent, by topic template."""
    consumer = Consumer({**stack.broker.librdkafka(ADMIN), "group.id": "operator.shapes", "enable.auto.commit": False})
    try:
        found = {
            topic.template: _look(consumer, _names(stack, topic), topic.partitions)
            for topic in {target for targets in _LEADS_TO.values() for target in targets} | {topics.PARTNER_REFERRALS}
        }
    finally:
        consumer.close()
    sent = found[topics.PARTNER_REFERRALS.template][0]
    return {template: Shape(count / sent, size) for template, (count, size) in found.items()}


def _look(consumer: Consumer, names: Sequence[str], partitions: int) -> tuple[int, int]:
    places = [TopicPartition(name, number) for name in names for number in range(partitions)]
    ends = {(place.topic, place.partition): consumer.get_watermark_offsets(place, timeout=10)[1] for place in places}
    count = sum(ends.values())
    wanted = min(count, _SAMPLE)
    per_place = -(-wanted // max(1, sum(1 for end in ends.values() if end)))
    consumer.assign([TopicPartition(*place, max(0, end - per_place)) for place, end in ends.items() if end])
    sizes: list[int] = []
    while len(sizes) < wanted // 2:
        sizes += [
            len(record.value() or b"")
            for record in consumer.consume(wanted - len(sizes), timeout=1)
            if record.error() is None
        ]
    return count, round(sum(sizes) / max(1, len(sizes)))


def _names(stack: Stack, topic: Topic) -> list[str]:
    principals: dict[str | None, Sequence[str | None]] = {
        None: [None],
        "partner_id": PARTNERS,
        "force_id": stack.options.force_ids,
    }
    return [topic.name(principal) for principal in principals[topic.parameter]]


def bare_topics(stack: Stack) -> list[topics.TopicSpec]:
    """The same topics and partitions as the conduit's along the flow."""
    used = {topic for pair in _LEADS_TO.items() for topic in (pair[0][1], *pair[1])} | {topics.PARTNER_UPDATES}
    stamped = {"message.timestamp.type": "LogAppendTime"}
    return [
        topics.TopicSpec(PREFIX + name, topic.partitions, stamped if topic is topics.FORCE_CASES else {})
        for topic in used
        for name in _names(stack, topic)
    ]


def plans(stack: Stack, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """The plan of each stage, to be handed over as JSON."""

    def target(stage: str, to: Topic) -> Target:
        shape = shapes[to.template]
        into = sum(
            shapes[came.template].per_referral for (at, came), goes in _LEADS_TO.items() if at == stage and to in goes
        )
        per_record = 0.0 if to is topics.FORCE_CASES else shape.per_referral / into
        return Target([PREFIX + name for name in _names(stack, to)], to.partitions, shape.value_bytes, per_record)

    return {
        stage: asdict(
            Plan(
                stage,
                [
                    Source(
                        topic.template,
                        [PREFIX + name for name in _names(stack, topic)],
                        stored,
                        [target(stage, to) for to in _LEADS_TO.get((stage, topic), ())],
                    )
                    for topic, stored in sources
                ],
            )
        )
        for stage, sources in _STORED.items()
    }
