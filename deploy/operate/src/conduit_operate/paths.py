"""Where things are kept: state per stack, and one cache of downloads for all of them."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
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


def webhook_secrets(state_dir: Path) -> Path:
    """The folder with one file per webhook secret, under the name that a partner's or force's contact gives."""
    return state_dir / "secrets" / "webhooks"


def keep_secret(path: Path) -> str:
    """The secret in this file, made on first use; only its owner can read it. All who ask get the same."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = _draft(path, secrets.token_urlsafe(24))
        with suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Replace the file in one step, readable by its owner alone from its first byte on."""
    _draft(path, text).replace(path)


def _draft(path: Path, text: str) -> Path:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return Path(name)
