"""The facts that a service keeps for as long as its cases: what it told the console, as it told it (decision 46).

An event says in the outbox what is to be kept of it. When Kafka has confirmed it, the relay moves that here, with the place
and time that the broker gave it. What people wrote is not kept where intake has it or the console shows it nowhere; the
rest is kept with its fact, and published once more only while its case is open. Its encryption comes in this module.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from conduit_chassis.postgres import Connection
from conduit_chassis.producer import Sent
from conduit_contracts import intake, routing, triage
from conduit_contracts.envelope import Message
from conduit_contracts.topics import REGISTRY, keepers, kept_by, snapshot_topic

WHOLE = b""
"""Stands in the outbox for: keep the event's own value."""

ELSEWHERE: Mapping[type[Message], frozenset[str]] = {
    intake.ReferralReceived: frozenset({"referral"}),
    intake.DangerReported: frozenset({"callback"}),
    triage.ReferralAccepted: frozenset({"referral", "supplements"}),
    triage.ImmediateDangerRaised: frozenset({"referral", "supplements"}),
    triage.InformationForwarded: frozenset({"supplement"}),
    triage.WithdrawalForwarded: frozenset({"comment"}),
}
"""Fields with people's words that are never kept here: intake has the referral, and the console needs nobody else's copy."""
WORDS: Mapping[type[Message], frozenset[str]] = {
    intake.ReferralReceived: frozenset({"referral"}),
    intake.InformationSupplied: frozenset({"supplement"}),
    intake.ReferralWithdrawn: frozenset({"comment"}),
    intake.ReconsiderationRequested: frozenset({"comment"}),
    triage.InformationRequested: frozenset({"question"}),
    triage.ReferralDeclined: frozenset({"comment"}),
    triage.CallNoted: frozenset({"spoke_to", "comment"}),
    routing.HomeForceNamed: frozenset({"reason"}),
    routing.HandoffStoodDown: frozenset({"reason"}),
    routing.ProfessionalStandardsInformed: frozenset({"reason"}),
    routing.InterimOwnerNamed: frozenset({"reason"}),
    routing.HandoffAcknowledged: frozenset({"victim_contact"}),
    routing.HandoffAcknowledgedByTelephone: frozenset(
        {"spoke_for_hub", "spoke_for_force", "called_back", "victim_contact", "comment"}
    ),
    routing.HandoffOverdue: frozenset({"reason"}),
    routing.HandoffEscalated: frozenset({"reason"}),
    routing.CallRecorded: frozenset({"spoke_to", "comment"}),
}
"""Fields with people's words, or with whom they spoke to, that the console shows. They are published once more while a case
is open, and not after."""
_OF_SUPPLEMENT = ("partner_id", "partner_reference", "immediate_danger", "urgency")
"""What an addition says besides words."""
_WORDS_OF = {kind.type: fields for kind, fields in WORDS.items()}
_KEPT = {message for service in keepers() for message in kept_by(service)}
_TOPICS = {topic.template for topic in REGISTRY if topic.parameter is None and not _KEPT.isdisjoint(topic.messages)}

_SNAPSHOTS = {snapshot_topic(service).name() for service in keepers()}

_MOVE = """
WITH gone AS (
    DELETE FROM outbox WHERE shard = $1 AND id = ANY($2::bigint[]) RETURNING id, topic, headers, value, fact
)
INSERT INTO facts (topic, partition, record_offset, recorded_at, headers, value)
SELECT gone.topic, told.partition, told.record_offset, to_timestamp(told.recorded_ms / 1000.0), gone.headers,
       CASE WHEN octet_length(gone.fact) = 0 THEN gone.value ELSE gone.fact END
FROM gone JOIN unnest($2::bigint[], $3::integer[], $4::bigint[], $5::bigint[])
    AS told (id, partition, record_offset, recorded_ms) ON told.id = gone.id
WHERE gone.fact IS NOT NULL ORDER BY gone.id
"""


class PlacedRow(NamedTuple):
    """A row of the outbox, and where and when the broker took it."""

    id: int
    partition: int
    offset: int
    recorded_ms: int


def kept_of(message: Message) -> bytes | None:
    """What is kept of an event: None for nothing, `WHOLE` for all of it."""
    kind = type(message)
    if kind not in _KEPT:
        return None
    left_out = ELSEWHERE.get(kind)
    if left_out is None:
        return WHOLE
    written: bytes = message.__pydantic_serializer__.to_json(message, exclude=set(left_out), exclude_none=True)
    return written


def concerns(topic: str) -> bool:
    """Whether events of this topic may be facts that are kept."""
    return topic in _TOPICS


def is_snapshot(topic: str) -> bool:
    """Whether facts are published there once more."""
    return topic in _SNAPSHOTS


async def move(connection: Connection, shard: int, sent: Sequence[Sent]) -> None:
    """Delete these rows of the outbox, which Kafka has confirmed, and keep what is to be kept of them."""
    rows = [row for batch in sent for row in _placed(batch)]
    await connection.execute(_MOVE, shard, *map(list, zip(*rows, strict=True)))


def _placed(batch: Sent) -> list[PlacedRow]:
    """A batch's records have one place after the other, and one time."""
    told = batch.future.result()
    return [
        PlacedRow(number, told.partition, told.offset + place, max(0, told.timestamp or 0))
        for place, number in enumerate(batch.ids)
    ]


def without_words(event_type: str, value: bytes) -> bytes:
    """A fact as codes and ids alone. What has no words stays as it is, to the byte."""
    fields = _WORDS_OF.get(event_type)
    if fields is None:
        return value
    said: dict[str, Any] = from_json(value)
    for name in fields & said.keys():
        if name == "supplement":
            said[name] = {each: said[name][each] for each in _OF_SUPPLEMENT if each in said[name]}
        else:
            del said[name]
    return to_json(said)


def has_words(event_type: str) -> bool:
    """Whether people's words are part of such a fact."""
    return event_type in _WORDS_OF
