"""Orders to start a service again, for the process that runs the stack: a file for each, gone once it is done."""

from __future__ import annotations

from pathlib import Path


def order(state_dir: Path, service: str) -> None:
    """Ask for it. Asked for twice before it is done, it is done once."""
    path = _path(state_dir, service)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch()


def ordered(state_dir: Path) -> list[str]:
    """The services that are to be started again."""
    return sorted(path.name for path in _folder(state_dir).glob("*"))


def waits(state_dir: Path, service: str) -> bool:
    """Whether the order has not been carried out yet."""
    return _path(state_dir, service).exists()


def done(state_dir: Path, service: str) -> None:
    """It was carried out, or withdrawn."""
    _path(state_dir, service).unlink(missing_ok=True)


def forget(state_dir: Path) -> None:
    """Drop every order."""
    for service in ordered(state_dir):
        done(state_dir, service)


def _folder(state_dir: Path) -> Path:
    return state_dir / "run" / "restart"


def _path(state_dir: Path, service: str) -> Path:
    return _folder(state_dir) / service
