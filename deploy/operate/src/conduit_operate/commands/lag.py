"""`conduit lag`: what waits on Kafka for each service, and since when. Asks the brokers alone, so it needs no Prometheus.

Exit codes: 0 shown, whether anything waits or not; 1 the brokers cannot be asked; 2 misuse.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from conduit_contracts.topics import SERVICES
from conduit_operate.commands.shared import AsJson, StateDir, explained, reach
from conduit_operate.lag import Behind, Lag


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a service on one topic."""

    service: str
    topic: str
    records: int
    since: datetime | None
    """When the first of them was written; None where none could be read."""


def lag(
    state_dir: StateDir,
    service: Annotated[str | None, typer.Argument(help=f"One of {', '.join(SERVICES)}. All by default.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show the records that services have not read yet, topic by topic, and how long the first of them waits."""
    if service is not None and service not in SERVICES:
        raise typer.BadParameter(f"there is no service {service}; there are {', '.join(SERVICES)}")
    wanted = SERVICES if service is None else (service,)
    with explained():
        found = by_topic(Lag(reach(state_dir)).places(wanted))
    now = datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps({each: _object(each, found, now) for each in wanted}))
        return
    if found:
        Console().print(_table(found, now))
    for each in wanted:
        records = sum(one.records for one in found if one.service == each)
        typer.echo(f"{each}: {records} records wait" if records else f"{each}: nothing waits")


def by_topic(places: Sequence[Behind]) -> list[Waiting]:
    """The partitions of a topic together, in the order of services and topics."""
    grouped: dict[tuple[str, str], list[Behind]] = {}
    for place in places:
        grouped.setdefault((place.service, place.topic), []).append(place)
    return [
        Waiting(*key, sum(each.records for each in group), min((each.since for each in group if each.since), default=None))
        for key, group in grouped.items()
    ]


def seconds(since: datetime | None, now: datetime) -> float | None:
    """How long ago; never less than nothing, as another's clock may be ahead."""
    return None if since is None else max(0.0, (now - since).total_seconds())


def _object(service: str, found: Sequence[Waiting], now: datetime) -> dict[str, object]:
    own = [each for each in found if each.service == service]
    ages = [age for each in own if (age := seconds(each.since, now)) is not None]
    return {
        "records": sum(each.records for each in own),
        "oldest_seconds": round(max(ages), 1) if ages else None,
        "topics": {each.topic: each.records for each in own},
    }


def _table(found: Sequence[Waiting], now: datetime) -> Table:
    table = Table()
    for name in ("service", "topic", "records", "oldest"):
        table.add_column(name, no_wrap=True, overflow="fold")
    for each in found:
        age = seconds(each.since, now)
        table.add_row(each.service, each.topic, str(each.records), "?" if age is None else f"{age:.0f} s")
    return table
