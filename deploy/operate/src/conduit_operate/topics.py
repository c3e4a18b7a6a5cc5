"""Makes the topics that the registry names and waits until they can be written to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Protocol

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from confluent_kafka.cimpl import NewTopic

from conduit_contracts.topics import BROKERS_TIME
from conduit_operate.chunks import asked
from conduit_operate.copies import Copies, wanted_here
from conduit_operate.polling import wait_until

LEADER_SECONDS = 30.0


class TopicSpec(Protocol):
    """What a topic is to be; `conduit_contracts.topics.TopicSpec` is one."""

    @property
    def name(self) -> str: ...
    @property
    def partitions(self) -> int: ...
    @property
    def config(self) -> dict[str, str]: ...
    @property
    def made_with(self) -> tuple[int, ...]: ...


class TopicError(RuntimeError):
    """A topic cannot be made, or stands with another number of partitions than the registry says."""


def create_topics(
    bootstrap_servers: str,
    specs: Iterable[TopicSpec],
    *,
    client: Mapping[str, str | int | float | bool] | None = None,
    copies: int | None = None,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Make what is missing, and have what an earlier release made bear the broker's time.

    `copies` is for a topic that is created again as it was; others are made with what `copies.wanted` says of these brokers.
    Returns once every partition has a leader, before which a first send may fail.

    Raises:
        TopicError: a topic stands with a number of partitions that no release gave it: changing it would move keys, and with
            them their order.
    """
    wanted = {spec.name: spec for spec in specs}
    if not wanted:
        return
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0, **(client or {})})
    there = admin.list_topics(timeout=LEADER_SECONDS)
    made = wanted_here(there, environ)
    missing = [spec for name, spec in wanted.items() if name not in there.topics]
    made_meanwhile = _create(admin, missing, made if copies is None else Copies(copies, min(copies, made.in_sync)))
    stood = [*(name for name in wanted if name in there.topics), *made_meanwhile]
    _give_brokers_time(admin, [name for name in stood if BROKERS_TIME.items() <= wanted[name].config.items()])
    wait_until(lambda: _all_led(admin, wanted), "not every partition has a leader", LEADER_SECONDS, lambda: None)


def _create(admin: AdminClient, specs: Iterable[TopicSpec], made: Copies) -> list[str]:
    """Make them; returns the names of those that somebody else has just made."""
    stood = []
    topics = [NewTopic(spec.name, spec.partitions, made.copies, config={**made.config, **spec.config}) for spec in specs]
    for name, future in asked(partial(admin.create_topics, operation_timeout=LEADER_SECONDS), topics):
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise TopicError(f"topic {name} could not be made: {error.args[0].str()}") from error
            stood.append(name)
    return stood


def _give_brokers_time(admin: AdminClient, names: Iterable[str]) -> None:
    """Where the writer's time counts, a service whose clock is wrong has its events refused."""
    ((setting, wanted),) = BROKERS_TIME.items()
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    found = {resource: future.result() for resource, future in asked(admin.describe_configs, resources)}
    entry = ConfigEntry(setting, wanted, incremental_operation=AlterConfigOpType.SET)
    late = [
        ConfigResource(ResourceType.TOPIC, resource.name, incremental_configs=[entry])
        for resource, config in found.items()
        if config[setting].value != wanted
    ]
    for _, future in asked(admin.incremental_alter_configs, late):
        future.result()


def _all_led(admin: AdminClient, wanted: Mapping[str, TopicSpec]) -> bool:
    found = admin.list_topics(timeout=10).topics
    for name, spec in wanted.items():
        partitions = found[name].partitions if name in found else {}
        if any(partition.leader < 0 for partition in partitions.values()) or not partitions:
            return False
        if len(partitions) not in (spec.partitions, *spec.made_with):
            raise TopicError(f"topic {name} has {len(partitions)} partitions, the registry says {spec.partitions}")
    return True
