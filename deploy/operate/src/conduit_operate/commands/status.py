"""`conduit status`: whether all of it answers, and what waits in each service. Needs no Prometheus.

Exit codes: 0 all is ready, 1 something is not or cannot be asked, 2 misuse. What waits does not change them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import typer
from rich.console import Console

from conduit_chassis.postgres import Connection
from conduit_chassis.settings import Settings
from conduit_contracts.topics import SERVICES
from conduit_operate.commands.service_database import with_connection
from conduit_operate.commands.shared import AsJson, StateDir, explained, reach, surroundings, table
from conduit_operate.env_file import url_variable, urls_variable
from conduit_operate.figures import Figures, figures
from conduit_operate.health import accepts_at, is_ready
from conduit_operate.lag import Lag


class Part(NamedTuple):
    """Something that has to answer."""

    name: str
    address: str
    ready: bool


def status(state_dir: StateDir, *, as_json: AsJson = False) -> None:
    """What runs and what waits: on Kafka, to be sent, put aside, and for people. The exit code is 0 when all is ready."""
    with explained():
        env = surroundings(state_dir)
    parts = _parts(env)
    found = {service: _figures(service, state_dir) for service in SERVICES if f"{service.upper()}_POSTGRES_DSN" in env}
    lag = _lag(state_dir) if all(part.ready for part in parts if part.name == "kafka") else {}
    if as_json:
        services = {name: {"lag": lag.get(name), **(asdict(each) if each else {})} for name, each in found.items()}
        typer.echo(json.dumps({"parts": [part._asdict() for part in parts], "services": services}))
    else:
        _show(parts, found, lag)
    if not all(part.ready for part in parts) or None in found.values():
        raise typer.Exit(1)


def _parts(env: Mapping[str, str]) -> list[Part]:
    """Address and readiness of each."""
    sockets = {
        "kafka": env.get("KAFKA_BOOTSTRAP_SERVERS", "").split(",")[0],
        "postgres": env.get("POSTGRES_DSN", "").rpartition("@")[2].partition("/")[0],
        "smtp": f"{env['SMTP_HOST']}:{env['SMTP_PORT']}" if "SMTP_HOST" in env and "SMTP_PORT" in env else "",
    }
    urls = [
        (name, url)
        for name in SERVICES
        for url in (env.get(urls_variable(name)) or env.get(url_variable(name), "")).split(",")
        if url
    ]
    return [Part(name, address, accepts_at(address)) for name, address in sockets.items() if address] + [
        Part(name, url, is_ready(url)) for name, url in urls
    ]


def _figures(service: str, state_dir: Path) -> Figures | None:
    """None where its database cannot be asked, which has been said then."""

    async def look(_: Settings, connection: Connection) -> Figures:
        return await figures(service, connection)

    try:
        return with_connection(service, state_dir, look)
    except typer.Exit:
        return None


def _lag(state_dir: Path) -> dict[str, int]:
    try:
        with explained():
            found = Lag(reach(state_dir)).by_service(SERVICES)
            return {service: sum(each.records for each in waiting) for service, waiting in found.items()}
    except typer.Exit:
        return {}


def _show(parts: list[Part], found: Mapping[str, Figures | None], lag: Mapping[str, int]) -> None:
    console = Console()
    answering = table("part", "address", "ready")
    for part in parts:
        answering.add_row(part.name, part.address, "yes" if part.ready else "no")
    console.print(answering)
    waiting = table("service", "to read", "to send", "oldest", "dead letters", "refused", "held")
    for name, each in found.items():
        to_read = str(lag[name]) if name in lag else "?"
        counted = (each.to_send, f"{each.to_send_seconds:.0f} s", each.dead_letters, each.refused, each.held) if each else ()
        waiting.add_row(name, to_read, *map(str, counted or ("?",) * 5))
    console.print(waiting)
    for name, each in found.items():
        if each and each.work:
            typer.echo(f"{name}: {', '.join(f'{number} {what}' for what, number in each.work.items())}")
