"""Where things are kept: state per stack, and one cache of downloads for all of them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def project_root() -> Path:
    """The repository's root when called from inside it, else the current directory."""
    here = Path.cwd()
    return next((path for path in (here, *here.parents) if (path / ".git").exists()), here)


def default_state_dir() -> Path:
    return project_root() / ".conduit"


def cache_dir() -> Path:
    """`CONDUIT_CACHE`, or `.conduit/cache` at the repository's root."""
    given = os.environ.get("CONDUIT_CACHE")
    return Path(given) if given else project_root() / ".conduit" / "cache"


def keep_secret(path: Path) -> str:
    """The secret in this file, made on first use; only its owner can read the file."""
    if path.exists():
        return path.read_text().strip()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret = secrets.token_urlsafe(24)
    write_private(path, secret)
    return secret


def write_private(path: Path, text: str) -> None:
    """Replace the file in one step, readable by its owner alone from its first byte on."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
