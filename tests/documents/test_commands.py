"""What documents say in passing of `conduit` can be typed: the command is there, with these options, and says who and why.

What stands in blocks is run (tests/monitoring/test_runbooks.py); this is what stands in sentences.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from conduit_operate.cli import app

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md"), *ROOT.glob("*/README.md")))
BLOCK = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`conduit ([^`]+)`")
COMMANDS = typer.main.get_command(app)


def named(page: Path) -> Iterator[str]:
    for found in NAMED.finditer(BLOCK.sub("", page.read_text(encoding="utf-8"))):
        yield " ".join(found[1].split())


def faults(text: str) -> list[str]:
    """What is wrong with a command as it is written."""
    words = text.split()
    command: Any = COMMANDS
    while words and (group := getattr(command, "commands", None)):
        if words[0] not in group:
            return [f"there is no {words[0]}"]
        command, words = group[words[0]], words[1:]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    given = [word.partition("=")[0] for word in words if word.startswith("--")]
    found = [f"there is no {option}" for option in given if option not in options]
    if "--apply" in given:
        found += [f"{option} is wanted" for option in ("--actor", "--reason") if option not in given]
    return found


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("setup", True),
        ("access --apply", True),
        ("partner rotate <id> --apply", True),
        ("partner rotate <id> --finnish", True),
        ("partner", False),
        ("partner rotate <id> --apply --actor <you> --reason <why>", False),
        ("up --replicas 2", False),
    ],
)
def test_a_fault_is_seen(text: str, *, wrong: bool) -> None:
    assert bool(faults(text)) is wrong


def test_every_command_that_a_document_names_can_be_typed() -> None:
    seen = [(page, text) for page in PAGES for text in named(page)]
    assert len(seen) > 30
    found = [
        f"{page.relative_to(ROOT)}: conduit {text}: {', '.join(wrong)}" for page, text in seen if (wrong := faults(text))
    ]
    assert found == []
