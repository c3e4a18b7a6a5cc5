"""`.conduit/env`: where everything is, for any client outside; `KEY=value` lines that a shell can read too."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from conduit_operate.paths import write_private


def write_env_file(state_dir: Path, values: Mapping[str, str]) -> Path:
    """It holds passwords: only its owner may read it."""
    path = state_dir / "env"
    write_private(path, env_text(values))
    return path


def env_text(values: Mapping[str, str]) -> str:
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def read_env_file(state_dir: Path) -> dict[str, str]:
    """Empty when no stack runs there."""
    path = state_dir / "env"
    return parse_env(path.read_text()) if path.exists() else {}


def parse_env(text: str) -> dict[str, str]:
    """What `env_text` wrote."""
    pairs = (line.partition("=") for line in text.splitlines() if line)
    return {name: "".join(shlex.split(value)) for name, _, value in pairs}


def url_variable(service: str) -> str:
    """The variable under which clients find the service's address."""
    return f"{service.upper()}_URL"


def urls_variable(service: str) -> str:
    """The variable with the addresses of all its replicas, separated by commas."""
    return f"{service.upper()}_URLS"
