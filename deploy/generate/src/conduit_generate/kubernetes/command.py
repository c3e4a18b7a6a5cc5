"""Writes the manifests of `deploy/kubernetes`, and checks that they say what the code and the environments do."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pydantic import ValidationError

from conduit_generate.kubernetes.tree import folders, texts


def differing(folder: Path) -> list[str]:
    """The files of a base or overlay that are not what the code gives."""
    wanted = texts(folder)
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.yaml")}
    return sorted(name for name in there.keys() | wanted.keys() if there.get(name) != wanted.get(name))


def write(folder: Path) -> int:
    """Write what differs, and take away what nothing gives any more; returns how many files changed."""
    wanted, changed = texts(folder), differing(folder)
    for name in changed:
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return len(changed)


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 where all is well, 1 where the check found something, 2 where an environment cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m conduit_generate.kubernetes", description=__doc__)
    parser.add_argument("action", choices=("write", "check"))
    parser.add_argument("folders", nargs="*", type=Path, help="overlays beside a base; all of deploy/kubernetes by default")
    chosen = parser.parse_args(arguments)
    wanted = chosen.folders or folders()
    try:
        if chosen.action == "write":
            sys.stdout.write(f"{sum(write(folder) for folder in wanted)} files written\n")
        found = [folder / name for folder in wanted for name in differing(folder)]
    except ValidationError as error:
        for detail in error.errors(include_input=False, include_url=False):
            sys.stderr.write(f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}\n")
        return 2
    sys.stderr.writelines(f"{path}: not what the code gives; run make kubernetes\n" for path in found)
    return 1 if found else 0
