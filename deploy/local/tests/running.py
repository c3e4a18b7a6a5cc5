"""`conduit up` as somebody runs it in another terminal, and what is typed beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
from click.testing import Result
from typer.testing import CliRunner

from conduit_operate.cli import app
from conduit_operate.env_file import read_env_file
from conduit_operate.polling import wait_until


class Up:
    """`conduit up` in a process of its own, with what it says in a file."""

    def __init__(self, state_dir: Path, *options: str) -> None:
        self.state_dir = state_dir
        self.said = state_dir.with_name(f"{state_dir.name}.said")
        kept = {name: value for name, value in os.environ.items() if name not in ("KAFKA_BOOTSTRAP_SERVERS", "POSTGRES_DSN")}
        command = [sys.executable, "-u", "-m", "conduit_operate.cli", "up", *options, "--state-dir", str(state_dir)]
        with self.said.open("w") as output:
            self.process = subprocess.Popen(command, env=kept, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603  our own

    def wait_for(self, text: str) -> None:
        def check() -> None:
            assert self.process.poll() is None, self.said.read_text()

        wait_until(lambda: text in self.said.read_text(), f"{text!r} was not said: {self.said}", 400, check)

    def conduit(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "--state-dir", str(self.state_dir)], env={"COLUMNS": "200"})

    def shown(self, *arguments: str) -> Any:
        done = self.conduit(*arguments, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def env(self) -> dict[str, str]:
        return read_env_file(self.state_dir)

    def process_of(self, service: str) -> psutil.Process:
        (found,) = [
            each
            for tether in psutil.Process(self.process.pid).children()
            for each in tether.children()
            if each.cmdline()[-2:] == ["-m", f"conduit_{service}"]
        ]
        return found

    def end(self) -> None:
        """As Ctrl-C does."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
