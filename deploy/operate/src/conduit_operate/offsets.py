"""Which partitions there are, and where they begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from conduit_contracts.topics import Topic
from conduit_operate.leaders import once_led

SECONDS = 10.0

Place = tuple[str, int]
"""Topic and partition."""


def places_of(admin: AdminClient, wanted: Sequence[Topic]) -> set[Place]:
    """Every partition that there is of these topics."""
    return {
        (name, number)
        for name, found in admin.list_topics(timeout=SECONDS).topics.items()
        if any(topic.match(name) is not None for topic in wanted)
        for number in found.partitions
    }


def begins(admin: AdminClient, places: Iterable[Place]) -> dict[Place, int]:
    """The first offset that each partition still holds."""
    return _offsets(admin, places, OffsetSpec.earliest())  # type: ignore[no-untyped-call]


def ends(admin: AdminClient, places: Iterable[Place]) -> dict[Place, int]:
    """The offset that each partition's next record will have."""
    return _offsets(admin, places, OffsetSpec.latest())  # type: ignore[no-untyped-call]


def written_since(admin: AdminClient, places: Iterable[Place], since: datetime) -> dict[Place, int]:
    """The first offset of each partition that was written at this time or later; its end where there is none."""
    found = _offsets(admin, places, OffsetSpec.for_timestamp(int(since.timestamp() * 1000)))
    missing = ends(admin, [place for place, offset in found.items() if offset < 0])
    return {**found, **missing}


def _offsets(admin: AdminClient, places: Iterable[Place], spec: OffsetSpec) -> dict[Place, int]:
    asked = {TopicPartition(*place): spec for place in places}
    if not asked:
        return {}

    def ask() -> dict[Place, int]:
        answers = admin.list_offsets(asked, request_timeout=SECONDS, isolation_level=IsolationLevel.READ_UNCOMMITTED)
        return {(each.topic, each.partition): answer.result(SECONDS).offset for each, answer in answers.items()}

    return once_led(ask)
