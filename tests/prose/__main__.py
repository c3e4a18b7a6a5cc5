"""Looks for phrases that a native reader stumbles over, in every text that people read: `python -m tests.prose`.

`phrases.toml` lists the phrases, what to write instead, and the places where one is right. Texts are Markdown, alerts, the
policy, and string literals, docstrings and comments of Python sources. Names, codes and generated files are not looked at.
"""

import ast
import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("phrases.toml")
PYTHON = ("contracts/src/**/*.py", "contracts/examples_py/*.py", "services/*/src/**/*.py", "deploy/*/src/**/*.py")
PLAIN = (
    *(
        "*.md",
        "docs/*.md",
        "docs/runbooks/*.md",
        "contracts/*.md",
        "services/*/README.md",
        "deploy/*.md",
        "deploy/*/README.md",
    ),
    *("deploy/prometheus/rules/*.yml", "deploy/policy/*.toml", "Makefile"),
)
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`|\]\([^)]*\)", re.MULTILINE | re.DOTALL)
"""Code and links of Markdown."""


class Text(NamedTuple):
    """A piece of prose, and the line on which it begins."""

    line: int
    words: str


class Finding(NamedTuple):
    """A phrase where it should not be."""

    place: str
    line: int
    words: str
    instead: str


@dataclass(frozen=True)
class Phrase:
    """What not to write. Between its words any white space may stand."""

    pattern: re.Pattern[str]
    instead: str
    allowed: frozenset[str] = field(default_factory=frozenset)
    """Files in which it is right."""


def phrases(source: str) -> list[Phrase]:
    """The list, as TOML has it."""
    return [
        Phrase(
            re.compile(r"\s+".join(each["not"].split(" ")), re.IGNORECASE),
            each["write"],
            frozenset(each.get("allowed", {})),
        )
        for each in tomllib.loads(source)["phrase"]
    ]


def findings(place: str, texts: Iterator[Text], listed: list[Phrase]) -> Iterator[Finding]:
    """Every phrase of the list in these texts."""
    for text in texts:
        for phrase in listed:
            for found in phrase.pattern.finditer(text.words) if place not in phrase.allowed else ():
                line = text.line + text.words.count("\n", 0, found.start())
                yield Finding(place, line, " ".join(found[0].split()), phrase.instead)


def of_markdown(source: str) -> Iterator[Text]:
    """The prose of Markdown, TOML or YAML: all but code and links, with every line where it was."""
    yield Text(1, _CODE.sub(lambda found: "\n" * found[0].count("\n") or " ", source))


def of_python(source: str) -> Iterator[Text]:
    """String literals with words in them, docstrings and comments."""
    inside = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(part) for part in node.values}
            parts = [part.value if isinstance(part, ast.Constant) else "_" for part in node.values]
            yield Text(node.lineno, "".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value and id(node) not in inside:
            yield Text(node.lineno, node.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text(token.start[0], token.string)


def everywhere(listed: list[Phrase]) -> Iterator[Finding]:
    """Every phrase of the list in the repository."""
    for patterns, reader in ((PYTHON, of_python), (PLAIN, of_markdown)):
        for path in sorted({path for pattern in patterns for path in ROOT.glob(pattern)}):
            yield from findings(str(path.relative_to(ROOT)), reader(path.read_text(encoding="utf-8")), listed)


def main() -> int:
    """Print what was found; 1 where there is any."""
    found = list(everywhere(phrases(LIST.read_text(encoding="utf-8"))))
    for each in found:
        sys.stdout.write(f"{each.place}:{each.line}: {each.words!r}: {each.instead}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
