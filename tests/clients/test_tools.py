"""What `make clients` needs is here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.tools import PROGRAMS, program
from tests.kubernetes import tools

pytestmark = pytest.mark.clients


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_on_this_machine(name: str) -> None:
    assert program(name)


@pytest.fixture
def asked_anew() -> Iterator[None]:
    tools.go.cache_clear()
    yield
    tools.go.cache_clear()


@pytest.mark.usefixtures("asked_anew")
@pytest.mark.parametrize(("version", "own"), [("1.19.8", False), ("1.23.0", True), ("1.26.8", True), (None, False)])
def test_a_go_that_is_too_old_is_as_good_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str | None, *, own: bool
) -> None:
    there = tmp_path / "go"
    if version:
        there.write_text(f"#!/bin/sh\necho go version go{version} linux/amd64\n")
        there.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools, "from_pypi", lambda name, _: Path(f"{name} of PyPI"))
    assert tools.go() == (str(there) if own else "go of PyPI")
