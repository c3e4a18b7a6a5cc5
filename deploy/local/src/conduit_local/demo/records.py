"""The partners' records as they go on the wire, damage included."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, encode_headers
from conduit_contracts.ids import uuid7
from conduit_local.demo.cases import Damage
from conduit_local.demo.samples import MESSAGES, Sample

Headers = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Wire:
    """One record, ready to send."""

    topic: str
    key: bytes
    headers: Headers
    value: bytes | None


def partner_record(sample: Sample, index: int, run: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Wire:
    """The record of one step. Every call makes an event of its own."""
    step = sample.case.steps[index]
    attributes = Attributes(
        id=str(uuid7()),
        source=f"/partners/{sample.case.partner}",
        type=MESSAGES[step.send].type,
        time=now(),
    )
    wire = Wire(
        topic=topics.PARTNER_REFERRALS.name(sample.case.partner),
        key=sample.reference(run).encode(),
        headers=encode_headers(attributes),
        value=json.dumps(sample.body(index, run), ensure_ascii=False).encode(),
    )
    return damaged(wire, step.damage) if step.damage else wire


def damaged(wire: Wire, damage: Damage) -> Wire:
    """The record after the damage."""
    headers = [(name, _header(name, value, damage)) for name, value in wire.headers if name != damage.without_header]
    value = wire.value if damage.value is None else damage.value.encode()
    if damage.pad_to_bytes and value is not None:
        value = value.rjust(damage.pad_to_bytes)
    return replace(wire, headers=headers, value=None if damage.tombstone else value)


def _header(name: str, value: bytes | None, damage: Damage) -> bytes | None:
    if name == damage.null_header:
        return None
    if name == damage.latin1_header:
        return "/partners/Café".encode("latin-1")
    return damage.headers[name].encode() if name in damage.headers else value
