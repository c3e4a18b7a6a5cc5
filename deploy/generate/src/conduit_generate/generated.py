"""Files that code writes and the repository keeps: written, or checked to be what the code gives."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path


def differing(home: Path, texts: Mapping[str, str]) -> list[str]:
    """The files that are not what the code gives: among those of a kind that it gives, whatever else lies there."""
    kinds = {Path(name).suffix for name in texts}
    there = {path.name: path.read_text(encoding="utf-8") for path in home.glob("*") if path.suffix in kinds}
    return sorted(name for name in there.keys() | texts.keys() if there.get(name) != texts.get(name))


def write(home: Path, texts: Mapping[str, str]) -> int:
    """Write what differs, and take away what nothing gives any more; returns how many files changed."""
    home.mkdir(parents=True, exist_ok=True)
    changed = differing(home, texts)
    for name in changed:
        if name in texts:
            (home / name).write_text(texts[name], encoding="utf-8")
        else:
            (home / name).unlink()
    return len(changed)


def command(what: str, home: Path, expected: Callable[[], Mapping[str, str]], arguments: list[str] | None) -> int:
    """`python -m conduit_generate.<what> write|check`; returns 0 where all is well, 1 where the check found something."""
    parser = argparse.ArgumentParser(prog=f"python -m conduit_generate.{what}")
    parser.add_argument("action", choices=("write", "check"))
    parser.add_argument("--home", type=Path, default=home, help=f"the folder of the {what}")
    chosen = parser.parse_args(arguments)
    texts = expected()
    if chosen.action == "write":
        sys.stdout.write(f"{write(chosen.home, texts)} {what} written\n")
    found = differing(chosen.home, texts)
    sys.stderr.writelines(f"{name}: not what the code gives; run make {what}\n" for name in found)
    return 1 if found else 0
