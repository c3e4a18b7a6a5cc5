"""Writes docs/states.md, checks that it says what the services do, and looks for ways that it does not show."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from conduit_generate.states import explore, tours
from conduit_generate.states.diagrams import page

PAGE = Path(__file__).parents[5] / "docs" / "states.md"


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 where all is well, 1 where the check found a difference."""
    parser = argparse.ArgumentParser(prog="python -m conduit_generate.states")
    parser.add_argument("action", choices=("write", "check", "explore"))
    parser.add_argument("--page", type=Path, default=PAGE)
    chosen = parser.parse_args(arguments)
    if chosen.action == "explore":
        tours.FILE.write_text(explore.as_text(explore.tours()), encoding="utf-8")
        return 0
    expected = page()
    if chosen.action == "write":
        chosen.page.write_text(expected, encoding="utf-8")
        return 0
    differs = not chosen.page.is_file() or chosen.page.read_text(encoding="utf-8") != expected
    if differs:
        sys.stderr.write(f"{chosen.page.name}: not what the services do; run make documents\n")
    return int(differs)
