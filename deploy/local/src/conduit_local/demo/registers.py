"""Publishes the programme's registers, and waits until the services know them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TypeAlias

from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import ForceRegistered, HubContactsApproved, HubContactsProposed, PartnerRegistered
from conduit_local.demo.post import Post
from conduit_local.demo.records import Wire
from conduit_operate.lag import Lag
from conduit_operate.polling import wait_until

Entry: TypeAlias = PartnerRegistered | ForceRegistered | HubContactsProposed | HubContactsApproved

REGISTERS = (topics.PARTNERS, topics.FORCES, topics.HUB_CONTACTS, topics.HUB_APPROVALS)
SECONDS = 60.0


async def publish(post: Post, entries: Iterable[Entry]) -> None:
    """Returns once every entry is on its topic."""
    pending = [await post.send(_record(entry)) for entry in entries]
    await asyncio.gather(*pending)


def wait_until_known(lag: Lag, check: Callable[[], None]) -> None:
    """Returns once every service that reads a register has committed all of it.

    Raises:
        TimeoutError: one has not within a minute. `check` raises when waiting has become pointless.
    """
    for service in topics.SERVICES:
        wanted = [topic for topic in REGISTERS if service in topic.consumers]
        if wanted:
            wait_until(partial(_has_read, lag, service, wanted), f"{service} has not read the registers", SECONDS, check)


def _has_read(lag: Lag, service: str, wanted: Sequence[topics.Topic]) -> bool:
    return not lag.of(service, wanted)


def _record(entry: Entry) -> Wire:
    topic, key = _place(entry)
    headers, value = encode(entry, Attributes(str(uuid7()), "/programme", entry.type, datetime.now(UTC)))
    return Wire(topic.name(), key.encode(), headers, value)


def _place(entry: Entry) -> tuple[topics.Topic, str]:
    match entry:
        case PartnerRegistered():
            return topics.PARTNERS, entry.partner_id
        case ForceRegistered():
            return topics.FORCES, entry.force_id
        case HubContactsProposed():
            return topics.HUB_CONTACTS, str(entry.proposal_id)
        case HubContactsApproved():
            return topics.HUB_APPROVALS, str(entry.proposal_id)
