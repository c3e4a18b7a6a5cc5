"""One user's bare requests to the broker, and what it answers to each.

Clients look a topic up before they use it and give up when they may not see it, so that a test with them would prove no more
than that. An intruder does not ask first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.admin import (
    CreateTopicsRequest,
    DeleteGroupsRequest,
    DeleteTopicsRequest,
    DescribeAclsRequest,
    DescribeConfigsRequest,
    DescribeGroupsRequest_v2,
    ListGroupsRequest,
)
from aiokafka.protocol.api import Request
from aiokafka.protocol.commit import OffsetCommitRequest, OffsetFetchRequest
from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import JoinGroupRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from conduit_operate.broker import Broker

GRANTED = 0
TOPIC_REFUSED, GROUP_REFUSED, CLUSTER_REFUSED, TRANSACTION_REFUSED = 29, 30, 31, 53

NOT_YET_LED, MOST_TRIES = {5, 6}, 300

Codes = dict[str, int]
"""The broker's error code for each topic or group."""


class Wire:
    """`async with Wire(broker, user) as wire:`; each method makes one kind of request for all that is named."""

    def __init__(self, broker: Broker, user: str) -> None:
        self._client = AIOKafkaClient(**broker.aiokafka(user), request_timeout_ms=10_000)

    async def __aenter__(self) -> Self:
        await self._client.bootstrap()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def describe(self, topics: Sequence[str]) -> Codes:
        answer = await self._ask(MetadataRequest(list(topics), True))
        return {topic[1]: topic[0] for topic in answer.topics}

    async def see(self) -> set[str]:
        """The topics that the broker names when it is asked for all."""
        answer = await self._ask(MetadataRequest(None, False))
        return {topic[1] for topic in answer.topics}

    async def write(self, topics: Sequence[str]) -> Codes:
        async def attempt() -> Codes:
            answer = await self._ask(ProduceRequest(None, -1, 10_000, [(topic, [(0, _batch())]) for topic in topics]))
            return {name: partitions[0][1] for name, partitions in answer.topics}

        return await _led(attempt)

    async def read(self, topics: Sequence[str]) -> Codes:
        async def attempt() -> Codes:
            answer = await self._ask(FetchRequest(100, 0, 1_000_000, 0, [(topic, [(0, 0, 100_000)]) for topic in topics]))
            return {name: partitions[0][1] for name, partitions in answer.topics}

        return await _led(attempt)

    async def find_ends(self, topics: Sequence[str]) -> Codes:
        answer = await self._ask(OffsetRequest(-1, 0, [(topic, [(0, -1)]) for topic in topics]))
        return {name: partitions[0][1] for name, partitions in answer.topics}

    async def read_settings(self, topics: Sequence[str]) -> Codes:
        answer = await self._ask(DescribeConfigsRequest([(2, topic, None) for topic in topics]))
        return {name: code for code, _, _, name, _ in answer.resources}

    async def delete(self, topics: Sequence[str]) -> Codes:
        answer = await self._ask(DeleteTopicsRequest(list(topics), 5_000))
        return dict(answer.topic_error_codes)

    async def create(self, topics: Sequence[str]) -> Codes:
        answer = await self._ask(CreateTopicsRequest([(topic, 1, 1, [], []) for topic in topics], 5_000, False))
        return {each[0]: each[1] for each in answer.topic_errors}

    async def join(self, groups: Sequence[str]) -> Codes:
        requests = [JoinGroupRequest(group, 6_000, 6_000, "", None, "consumer", [("range", b"")]) for group in groups]
        return {group: (await self._ask(each)).error_code for group, each in zip(groups, requests, strict=True)}

    async def find_coordinator(self, groups: Sequence[str]) -> Codes:
        return {group: (await self._ask(FindCoordinatorRequest(group, 0))).error_code for group in groups}

    async def describe_groups(self, groups: Sequence[str]) -> Codes:
        answer = await self._ask(_DescribeGroups(list(groups)))
        return {each[1]: each[0] for each in answer.groups}

    async def delete_groups(self, groups: Sequence[str]) -> Codes:
        answer = await self._ask(DeleteGroupsRequest(list(groups)))
        return dict(answer.results)

    async def commit(self, groups: Sequence[str], topic: str) -> Codes:
        """Move the groups' offsets on this topic."""
        codes = {}
        for group in groups:
            answer = await self._ask(OffsetCommitRequest(group, -1, "", -1, [(topic, [(0, 1, "")])]))
            codes[group] = answer.topics[0][1][0][1]
        return codes

    async def read_offsets(self, groups: Sequence[str]) -> Codes:
        return {group: (await self._ask(OffsetFetchRequest(group, None))).error_code for group in groups}

    async def list_groups(self) -> set[str]:
        answer = await self._ask(ListGroupsRequest())
        return {group[0] for group in answer.groups}

    async def read_permissions(self) -> int:
        return int((await self._ask(DescribeAclsRequest(1, None, 1, None, None, 1, 1))).error_code)

    async def begin_transactions(self, name: str) -> int:
        return int((await self._ask(InitProducerIdRequest(name, 10_000))).error_code)

    async def _ask(self, request: Any) -> Any:
        return await self._client.send(self._client.get_random_node(), request)


async def _led(attempt: Callable[[], Awaitable[Codes]]) -> Codes:
    """The answer once every topic is led: of one that was just made, the broker may not know yet that it leads it."""
    codes: Codes = {}
    for _ in range(MOST_TRIES):
        codes = await attempt()
        if not NOT_YET_LED & set(codes.values()):
            return codes
        await asyncio.sleep(0.1)
    return codes


class _DescribeGroups(Request[DescribeGroupsRequest_v2]):  # type: ignore[misc]  # aiokafka ships no types
    """The client's own takes version 3, whose answer it misreads."""

    API_KEY = 15

    def __init__(self, groups: list[str]) -> None:
        self._groups = groups

    def build(self, request_struct_class: type[DescribeGroupsRequest_v2]) -> DescribeGroupsRequest_v2:
        return request_struct_class(self._groups)


def _batch() -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=10_000,
    )
    builder.append(0, timestamp=0, key=b"synthetic", value=b"{}", headers=[])
    return bytes(builder.build())
