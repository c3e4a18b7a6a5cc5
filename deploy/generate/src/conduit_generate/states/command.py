"""Writes docs/states.md, checks that it says what the services do, and looks for ways that it does not show."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from conduit_generate.states import look, tours
from conduit_generate.states.diagrams import page

PAGE = Path(__file__).parents[5] / "docs" / "states.md"


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 where all is well, 1 where the check found a difference."""
    parser = argparse.ArgumentParser(prog="python -m conduit_generate.states")
    parser.add_argument("action", choices=("write", "check", "look"))
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--walks", type=int, default=look.WALKS, help="how many to go in search of moves that no tour shows")
    parser.add_argument("--seed", type=int, default=0, help="for other walks")
    chosen = parser.parse_args(arguments)
    if chosen.action == "look":
        tours.FILE.write_text(look.as_text(look.further(tours.kept(), chosen.walks, chosen.seed)), encoding="utf-8")
        return 0
    expected = page()
    if chosen.action == "write":
        chosen.page.write_text(expected, encoding="utf-8")
        return 0
    differs = not chosen.page.is_file() or chosen.page.read_text(encoding="utf-8") != expected
    if differs:
        sys.stderr.write(f"{chosen.page.name}: not what the services do; run make documents\n")
    return int(differs)
