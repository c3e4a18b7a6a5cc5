"""`conduit status`: whether all of it answers, and what waits in each service. Needs no Prometheus."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NamedTuple

import typer

from conduit_chassis.postgres import Connection
from conduit_chassis.settings import Settings
from conduit_contracts.topic import DESKS
from conduit_contracts.topics import SERVICES, SIGNER
from conduit_operate.broker import Broker
from conduit_operate.commands.exits import exits
from conduit_operate.commands.service_database import Act, say_away, with_all
from conduit_operate.commands.shared import AsJson, StateDir, explained, reach, surroundings
from conduit_operate.commands.tables import show_table, table
from conduit_operate.env_file import url_variable, urls_variable
from conduit_operate.figures import Figures, figures, in_words
from conduit_operate.health import greets_at, is_ready, kafka_answers, postgres_answers, shows_pages
from conduit_operate.lag import Lag

NO_PAGES = (
    "{}: serves no pages, so nobody can sign in there or do their work: give it PUBLIC_URL and IDENTITY_PROVIDERS "
    "(deploy/README.md)"
)
EXITS = exits("all is ready, whatever waits", "something is not, does not run or cannot be asked")


class Part(NamedTuple):
    """Something that has to answer. Where it does not even run, or cannot be asked, `why` says so."""

    name: str
    address: str
    ready: bool
    why: str = ""


def status(state_dir: StateDir, *, as_json: AsJson = False) -> None:
    """What runs and what waits: on Kafka, to be sent, put aside, and for people.

    The exit code is 0 when all is ready and every figure is known.
    """
    with explained():
        env = surroundings(state_dir)
    parts = _parts(env, _broker(state_dir))
    counted, away = with_all({service: _look(service) for service in SERVICES}, state_dir)
    say_away(away)
    found = {service: counted.get(service) for service in SERVICES}
    lag = _lag(state_dir) if all(part.ready for part in parts if part.name == "kafka") else {}
    if as_json:
        services = {name: {"lag": lag.get(name), **(asdict(each) if each else {})} for name, each in found.items()}
        said = {"parts": [part._asdict() for part in parts], "services": services, "pages": pages_shown(parts)}
        typer.echo(json.dumps(said))
    else:
        _show(parts, found, lag)
        for desk in (desk for desk, shown in pages_shown(parts).items() if not shown):
            typer.echo(NO_PAGES.format(desk))
    if not all_well(parts, found, lag):
        raise typer.Exit(1)


def all_well(parts: Sequence[Part], found: Mapping[str, Figures | None], lag: Mapping[str, int]) -> bool:
    """Nothing that is not known is taken for well."""
    return all(part.ready for part in parts) and None not in found.values() and found.keys() <= lag.keys()


def _parts(env: Mapping[str, str], broker: Broker | None) -> list[Part]:
    """Address and readiness of each, all asked at once."""
    dsn, missing = env.get("POSTGRES_DSN", ""), []
    asked: list[tuple[str, str, Callable[[], bool]]] = [
        ("kafka", env.get("KAFKA_BOOTSTRAP_SERVERS", ""), lambda: broker is not None and kafka_answers(broker))
    ]
    if dsn:
        asked.append(("postgres", dsn.rpartition("@")[2].partition("/")[0], lambda: postgres_answers(dsn)))
    if "SMTP_HOST" in env and "SMTP_PORT" in env:
        smtp = f"{env['SMTP_HOST']}:{env['SMTP_PORT']}"
        asked.append(("smtp", smtp, partial(greets_at, smtp)))
    if signer := env.get(url_variable(SIGNER)):
        asked.append((SIGNER, signer, partial(is_ready, signer)))
    for name in SERVICES:
        urls = env.get(urls_variable(name)) or env.get(url_variable(name), "")
        asked += [(name, url, partial(is_ready, url)) for url in urls.split(",") if url]
        if not urls:
            missing.append(Part(name, "", False, f"set {url_variable(name)}" if env is os.environ else "not running"))
    with ThreadPoolExecutor(len(asked)) as pool:
        ready = list(pool.map(lambda each: each[2](), asked))
    return [Part(name, address, answer) for (name, address, _), answer in zip(asked, ready, strict=True)] + missing


def pages_shown(parts: Sequence[Part]) -> dict[str, bool]:
    """Of each desk that is ready, whether people can sign in at every process of it. Whoever has no provider yet may run
    without, so it does not count as a fault."""
    ready = {desk: [part.address for part in parts if part.name == desk and part.ready] for desk in DESKS}
    return {desk: all(map(shows_pages, addresses)) for desk, addresses in ready.items() if addresses}


def _broker(state_dir: Path) -> Broker | None:
    """None where it is not known how to come to it, which has been said then."""
    try:
        with explained():
            return reach(state_dir)
    except typer.Exit:
        return None


def _look(service: str) -> Act[Figures]:
    async def look(_: Settings, connection: Connection) -> Figures:
        return await figures(service, connection)

    return look


def _lag(state_dir: Path) -> dict[str, int]:
    try:
        with explained():
            found = Lag(reach(state_dir)).by_service(SERVICES)
            return {service: sum(each.records for each in waiting) for service, waiting in found.items()}
    except typer.Exit:
        return {}


def _show(parts: list[Part], found: Mapping[str, Figures | None], lag: Mapping[str, int]) -> None:
    answering = table("part", "address", "ready")
    for part in parts:
        answering.add_row(part.name, part.address, "yes" if part.ready else part.why or "no")
    show_table(answering)
    waiting = table("service", "to read", "to send", "oldest", "dead letters", "refused", "held")
    for name, each in found.items():
        to_read = str(lag[name]) if name in lag else "?"
        counted = (each.to_send, f"{each.to_send_seconds:.0f} s", each.dead_letters, each.refused, each.held) if each else ()
        waiting.add_row(name, to_read, *map(str, counted or ("?",) * 5))
    show_table(waiting)
    for name, each in found.items():
        if each and each.work:
            typer.echo(f"{name}: {in_words(each.work)}")
