"""Has the registers changed as an operator would, and waits until the services know them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TypeAlias

from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import HubContactsApproved, HubContactsProposed
from conduit_contracts.registering import RegisterEntry, subject_of
from conduit_local.demo.post import Post
from conduit_local.demo.records import Wire
from conduit_operate.audit import By
from conduit_operate.broker import Broker
from conduit_operate.lag import Lag
from conduit_operate.orders import orders_for, place, unanswered
from conduit_operate.polling import wait_until
from conduit_operate.register import read_registers

Entry: TypeAlias = RegisterEntry | HubContactsProposed | HubContactsApproved

BY = By("conduit-demo", "samples for the demonstration")
REGISTERS = (topics.PARTNERS, topics.FORCES, topics.HUB_CONTACTS, topics.HUB_APPROVALS)
SECONDS = 60.0


async def publish(post: Post, entries: Iterable[Entry]) -> None:
    """Returns once every entry is on its topic.

    Raises:
        TimeoutError: the programme's service has not carried out the orders within a minute.
    """
    entries = list(entries)
    await asyncio.to_thread(order, post.broker, [each for each in entries if isinstance(each, RegisterEntry)])
    pending = [await post.send(_record(each)) for each in entries if not isinstance(each, RegisterEntry)]
    await asyncio.gather(*pending)


def order(broker: Broker, entries: Iterable[RegisterEntry]) -> None:
    """Have these on the registers, where others stand. Raises TimeoutError where they are not within a minute."""
    known = read_registers(broker)
    standing = [(each, known.of(*subject_of(each))) for each in entries]
    wanted = [each for entry, stood in standing if entry != stood for each in orders_for(entry, stood, BY)]
    if unanswered(broker, place(broker, wanted), SECONDS).ids:
        raise TimeoutError(f"the programme's service has not written the registers within {SECONDS:.0f} s")


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


def _record(entry: HubContactsProposed | HubContactsApproved) -> Wire:
    topic = topics.HUB_CONTACTS if isinstance(entry, HubContactsProposed) else topics.HUB_APPROVALS
    headers, value = encode(entry, Attributes(str(uuid7()), "/programme", entry.type, datetime.now(UTC)))
    return Wire(topic.name(), str(entry.proposal_id).encode(), headers, value)
