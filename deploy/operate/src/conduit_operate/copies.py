"""How many brokers hold each record, and how many must have it before it counts as written.

A broker's own defaults are one of each: a topic that is made with them is gone with one disk. So where there are several
brokers the conduit says itself what it wants, and tells where what stands is less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from confluent_kafka.admin import AdminClient, ClusterMetadata, ConfigResource, ResourceType

from conduit_operate.chunks import asked

FACTOR, IN_SYNC = "KAFKA_REPLICATION_FACTOR", "KAFKA_MIN_INSYNC_REPLICAS"
MOST = 3
"""With three copies, two of them in step, one broker may be down and one more may then be lost."""
_SETTING = "min.insync.replicas"
_TIMEOUT = 30.0


class CopiesError(ValueError):
    """The settings cannot be met by these brokers."""


@dataclass(frozen=True, slots=True)
class Copies:
    """What every topic is made with."""

    copies: int
    in_sync: int

    @property
    def config(self) -> dict[str, str]:
        """Nothing on a single broker, where there is nothing to choose."""
        return {_SETTING: str(self.in_sync)} if self.copies > 1 else {}


@dataclass(frozen=True, slots=True)
class Standing:
    """What one topic has: its partition with the fewest copies, and how many must be in step."""

    topic: str
    copies: int
    in_sync: int


def wanted(brokers: int, environ: Mapping[str, str]) -> Copies:
    """Three copies with two in step, or as many as there are brokers; or what the environment says.

    Raises:
        CopiesError: the environment asks for what cannot be.
    """
    copies = _number(FACTOR, environ) or min(MOST, brokers)
    in_sync = _number(IN_SYNC, environ) or max(1, copies - 1)
    if copies > brokers:
        raise CopiesError(f"{FACTOR} is {copies}, and there are {brokers} brokers")
    if in_sync > copies:
        raise CopiesError(f"{IN_SYNC} is {in_sync}, which {copies} copies cannot be; a topic could never be written to")
    return Copies(copies, in_sync)


def wanted_here(metadata: ClusterMetadata, environ: Mapping[str, str]) -> Copies:
    """The same for this cluster as it stands. A broker that is down is not in the metadata, but keeps its copies there.

    Raises:
        CopiesError: as `wanted`.
    """
    standing = (len(partition.replicas) for topic in metadata.topics.values() for partition in topic.partitions.values())
    return wanted(max(len(metadata.brokers), *standing, 0), environ)


def complaints(brokers: int, topics: Iterable[Standing]) -> list[str]:
    """What is less than it should be on so many brokers; empty on a single one, which can hold no more."""
    if brokers < 2:
        return []
    found = list(topics)
    thin = [each for each in found if each.copies < MOST]
    loose = [each for each in found if each.copies >= MOST and each.in_sync < MOST - 1]
    said = []
    if thin:
        also = ", and the cluster a third broker" if brokers < MOST else ""
        said.append(
            f"{_named(thin)} fewer than {MOST} copies on {brokers} brokers, so that records can be lost with a disk: give "
            f"them more with Kafka's own kafka-reassign-partitions.sh{also}"
        )
    if loose:
        said.append(f"{_named(loose)} {_SETTING} of 1: a record counts as written while one broker has it; set it to 2")
    return said


def check(admin: AdminClient, is_ours: Iterable[str]) -> list[str]:
    """What is less than it should be of these topics as they stand."""
    metadata = admin.list_topics(timeout=_TIMEOUT)
    names = [name for name in is_ours if name in metadata.topics]
    if len(metadata.brokers) < 2 or not names:
        return []
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    configs = {each.name: future.result(_TIMEOUT) for each, future in asked(admin.describe_configs, resources)}
    standing = [
        Standing(
            name,
            min(len(partition.replicas) for partition in metadata.topics[name].partitions.values()),
            int(configs[name][_SETTING].value),
        )
        for name in names
    ]
    return complaints(len(metadata.brokers), standing)


def _number(name: str, environ: Mapping[str, str]) -> int | None:
    text = environ.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise CopiesError(f"{name} must be a whole number above zero")
    return int(text)


def _named(topics: list[Standing]) -> str:
    rest = len(topics) - 1
    return f"{topics[0].topic} {f'and {rest} more topics have' if rest else 'has'}"
