"""What runs, line by line, for the status table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from conduit_local.children import Child
from conduit_local.ports import accepts
from conduit_local.providers import Servers


@dataclass(frozen=True, slots=True)
class Row:
    """`pid` is None for what does not run, or was not started here; `log` for what keeps its log elsewhere."""

    name: str
    state: str
    pid: int | None = None
    address: str = ""
    log: Path | None = None


def server_rows(servers: Servers | None) -> list[Row]:
    if servers is None:
        return [Row("kafka", "starting"), Row("postgres", "starting")]
    database = servers.postgres_dsn.rpartition("@")[2].partition("/")[0]
    found = {
        "kafka": (servers.kafka_bootstrap_servers, servers.kafka),
        "postgres": (database, servers.postgres),
    }
    rows = []
    for name, (address, server) in found.items():
        if server is None:
            rows.append(Row(name, "external", address=address))
        else:
            rows.append(child_row(name, server.child, address, lambda port=server.port: accepts(port)))  # type: ignore[misc]
    return rows


def child_row(name: str, child: Child | None, address: str, ready: Callable[[], bool]) -> Row:
    if child is None:
        return Row(name, "waiting")
    if not child.alive:
        return Row(name, f"ended ({child.exit_code})", address=address, log=child.log_path)
    return Row(name, "ready" if ready() else "not ready", child.pid, address, child.log_path)
