"""`.conduit/clients/`: two files per user, with all that a client outside needs to come in. Only their owner may read them.

`<user>.env` has environment variables, for a shell and the client kits; `<user>.conf` has librdkafka's options, for
`kcat -F`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from conduit_operate.broker import Broker
from conduit_operate.env_file import env_text
from conduit_operate.paths import write_private
from conduit_operate.secured import password_path


def folder(state_dir: Path) -> Path:
    """Where the files are."""
    return state_dir / "clients"


def write_clients(broker: Broker, users: Iterable[str]) -> None:
    """Write the files of these users, or replace those that say something else."""
    where = folder(broker.state_dir)
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    for user in users:
        options = broker.librdkafka(user)
        _keep(where / f"{user}.env", env_text(broker.environment(user)))
        _keep(where / f"{user}.conf", "".join(f"{name}={value}\n" for name, value in options.items()))


def _keep(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        write_private(path, text)


def with_clients(broker: Broker) -> set[str]:
    """Whose files are there: they are written again when the broker has moved."""
    return {path.stem for path in folder(broker.state_dir).glob("*.env")}


def remove_clients(state_dir: Path, users: Iterable[str]) -> None:
    """Take away the files of users who can no longer come in, with their passwords."""
    for user in users:
        for path in (folder(state_dir) / f"{user}.env", folder(state_dir) / f"{user}.conf"):
            path.unlink(missing_ok=True)
        password_path(state_dir, user).unlink(missing_ok=True)
