"""The connector under test: a process that the kit runs, kills and starts again, or somebody else's that attaches."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from conduit_local.children import Child
from conduit_operate.access import user_of
from conduit_operate.broker import Broker
from conduit_operate.clients import folder

ID_VARIABLE = "CONDUIT_ID"


class Subject:
    """`command` is None where somebody else runs the connector."""

    def __init__(self, broker: Broker, kind: str, identity: str, command: str | None) -> None:
        user = user_of(kind, identity)
        self.credentials = folder(broker.state_dir) / f"{user}.env"
        self._child: Child | None = None
        if command is not None:
            if broker.administrator is not None:
                raise ValueError("the kit has no credentials for it on this broker: start it yourself, without --run")
            kept = {name: value for name, value in os.environ.items() if not name.startswith("KAFKA_")}
            env = {**kept, **broker.environment(user), ID_VARIABLE: identity}
            self._child = Child("connector", shlex.split(command), state_dir=broker.state_dir, env=env)

    @property
    def is_ours(self) -> bool:
        """Whether the kit runs it, and so may kill it."""
        return self._child is not None

    @property
    def log_path(self) -> Path | None:
        """What it prints."""
        return self._child.log_path if self._child else None

    @property
    def has_ended(self) -> bool:
        """Whether it ran here and runs no more."""
        return self._child is not None and not self._child.alive

    @property
    def exit_code(self) -> int | None:
        """Of the one that has ended."""
        return self._child.exit_code if self._child else None

    def start(self) -> None:
        """Raises ChildError where the command cannot be run."""
        if self._child is not None:
            self._child.start()

    def kill(self) -> None:
        """As a power cut would."""
        if self._child is not None:
            self._child.kill()

    def tail(self) -> str:
        """Its last words."""
        return self._child.tail(5) if self._child else ""
