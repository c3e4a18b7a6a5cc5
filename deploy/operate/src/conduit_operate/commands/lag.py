"""`conduit lag`: what waits on Kafka for each service, and since when. Asks the brokers alone, so it needs no Prometheus."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import typer
from rich.table import Table

from conduit_contracts.topics import SERVICES
from conduit_operate.commands.exits import exits
from conduit_operate.commands.shared import AnyService, AsJson, StateDir, explained, reach
from conduit_operate.commands.tables import show_table, table
from conduit_operate.lag import Lag, Waiting

EXITS = exits("shown, whether anything waits or not", "the brokers cannot be asked")


def lag(state_dir: StateDir, service: AnyService = None, *, as_json: AsJson = False) -> None:
    """Show the records that services have not read yet, topic by topic, and how long the first of them waits."""
    with explained():
        found = Lag(reach(state_dir)).by_service(SERVICES if service is None else (service,), dated=True)
    now = datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps({name: _object(waiting, now) for name, waiting in found.items()}))
        return
    if any(found.values()):
        show_table(_table(found, now))
    for name, waiting in found.items():
        typer.echo(f"{name}: {_records(waiting)} records wait" if waiting else f"{name}: nothing waits")


def _records(waiting: Sequence[Waiting]) -> int:
    return sum(each.records for each in waiting)


def _seconds(since: datetime | None, now: datetime) -> float | None:
    """How long ago; never less than nothing, as another's clock may be ahead."""
    return None if since is None else max(0.0, (now - since).total_seconds())


def _object(waiting: Sequence[Waiting], now: datetime) -> dict[str, object]:
    ages = [age for each in waiting if (age := _seconds(each.since, now)) is not None]
    return {
        "records": _records(waiting),
        "oldest_seconds": round(max(ages), 1) if ages else None,
        "topics": {each.topic: each.records for each in waiting},
    }


def _table(found: Mapping[str, Sequence[Waiting]], now: datetime) -> Table:
    shown = table("service", "topic", "records", "oldest")
    for name, waiting in found.items():
        for each in waiting:
            age = _seconds(each.since, now)
            shown.add_row(name, each.topic, str(each.records), "?" if age is None else f"{age:.0f} s")
    return shown
