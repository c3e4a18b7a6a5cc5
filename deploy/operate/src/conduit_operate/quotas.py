"""How much one user may ask of the broker, which slows down whoever asks for more.

What stands for everybody is meant for partners and forces; the hub's own users are exempt by name. So a partner can never be
without a quota because somebody forgot it.

No client for Python has Kafka's two calls for quotas, and the tool in Kafka's jars takes a JVM's start each time: so the
requests are written out here, as the protocol's documentation has them (https://kafka.apache.org/protocol, keys 48 and 49).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka.protocol.admin import DescribeClientQuotasRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Float64, Int16, Int32, Schema, String

from conduit_contracts.topics import SERVICES, SIGNER
from conduit_operate.access import STAFF, service_principal
from conduit_operate.broker import Broker
from conduit_operate.chunks import chunks
from conduit_operate.kafka_client import administrator, wait_for
from conduit_operate.secured import ADMIN

Limits = Mapping[str, float]
PRODUCER, REQUESTS = "producer_byte_rate", "request_percentage"
EVERYBODY = ""
"""Stands for every user who has no quota by name."""
PARTNERS: Limits = {PRODUCER: 2 * 1024 * 1024, REQUESTS: 50.0}
"""Bytes a second, which is some 500 referrals, and percent of one of the broker's threads."""
HUB: Limits = {PRODUCER: 1e12, REQUESTS: 1e6}
"""As good as none: a quota cannot be taken off one user while there is one for everybody."""
EXEMPT = (ADMIN, *STAFF, *map(service_principal, (*SERVICES, SIGNER)))

_USER, _ANY = "user", 2


class QuotaError(RuntimeError):
    """The broker did not take or tell a quota."""


def standing_quotas() -> dict[str, Limits]:
    """What stands whoever the partners and forces are, by user."""
    return {EVERYBODY: PARTNERS, **dict.fromkeys(EXEMPT, HUB)}


def set_standing_quotas(broker: Broker) -> None:
    """Set what is missing of the standing quotas. What an operator has set otherwise stays."""
    found = read_quotas(broker)
    set_quotas(broker, {user: limits for user, limits in standing_quotas().items() if user not in found})


def set_quotas(broker: Broker, wanted: Mapping[str, Limits | None]) -> None:
    """Give users these limits, or take theirs away where it is None. May be done again without effect.

    Raises:
        QuotaError: the broker refused; it says why.
    """
    wait_for(_set(broker, wanted))


def read_quotas(broker: Broker) -> dict[str, dict[str, float]]:
    """Every quota by user."""
    return wait_for(_read(broker))


async def _set(broker: Broker, wanted: Mapping[str, Limits | None]) -> None:
    if not wanted:
        return
    entries = [([(_USER, user or None)], _changes(limits)) for user, limits in wanted.items()]
    async with administrator(broker) as client:
        for chunk in chunks(entries):
            for code, text, *_ in (await _ask(client, _Alter(chunk))).entries:
                _check(code, text)


def _changes(limits: Limits | None) -> list[tuple[str, float, bool]]:
    if limits is None:
        return [(name, 0.0, True) for name in (PRODUCER, REQUESTS)]
    return [(name, value, False) for name, value in limits.items()]


async def _read(broker: Broker) -> dict[str, dict[str, float]]:
    async with administrator(broker) as client:
        answer = await _ask(client, DescribeClientQuotasRequest([(_USER, _ANY, None)], strict=True))
    _check(answer.error_code, answer.error_message)
    return {entity[0][1] or EVERYBODY: dict(values) for entity, values in answer.entries or ()}


def _check(code: int, text: str | None) -> None:
    if code:
        raise QuotaError(f"the broker did not accept the request about quotas (error {code}): {text or 'no reason given'}")


async def _ask(client: Any, request: Request) -> Any:
    return await client.send(client.get_random_node(), request)


class _AlterResponse(Response):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = 49
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "entries",
            Array(
                ("error_code", Int16),
                ("error_message", String("utf-8")),
                ("entity", Array(("entity_type", String("utf-8")), ("entity_name", String("utf-8")))),
            ),
        ),
    )


class _AlterRequest(RequestStruct):  # type: ignore[misc]
    API_KEY = 49
    API_VERSION = 0
    RESPONSE_TYPE = _AlterResponse
    SCHEMA = Schema(
        (
            "entries",
            Array(
                ("entity", Array(("entity_type", String("utf-8")), ("entity_name", String("utf-8")))),
                ("ops", Array(("key", String("utf-8")), ("value", Float64), ("remove", Boolean))),
            ),
        ),
        ("validate_only", Boolean),
    )


class _Alter(Request[_AlterRequest]):  # type: ignore[misc]
    API_KEY = 49

    def __init__(self, entries: list[Any]) -> None:
        self._entries = entries

    def build(self, request_struct_class: type[_AlterRequest]) -> _AlterRequest:
        return request_struct_class(self._entries, False)
