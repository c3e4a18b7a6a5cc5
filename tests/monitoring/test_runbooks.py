"""Every command of every runbook runs as it stands, on the stack that is watched; the pages have what an operator needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from conduit_local.observability.api import until
from conduit_local.postgres import program
from tests.monitoring.operating import dead_letters
from tests.monitoring.watched import Watched

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for path in (ROOT / "docs/runbooks").glob("*.md") if path.name != "README.md")
SECTIONS = ["What you see", "What it means", "First look", "What to do", "When it is over", "Who to tell"]
COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REPLAY = "dead-letters-wait"
NAMED = (
    "a-case-is-held-by-no-force",
    "a-duty-task-is-not-taken",
    "a-memorandum-is-about-to-lapse",
    "a-partition-cannot-be-read",
    "dead-letters-wait",
    "forces-do-not-acknowledge-in-time",
    "immediate-danger-waits",
    "kafka-refuses-our-events",
    "notices-do-not-arrive",
    "partners-are-refused",
    "referrals-are-unaccounted-for",
    "reviews-are-overdue",
)
"""Pages of alerts about somebody: a partner, a force, a referral. Labels carry no identity."""
NOTHING_FOUND = 'conduit() { command conduit "$@" || [ $? -eq 3 ]; }'
"""By its exit code 3 a command says that it found nothing, which is right on a stack that is well."""


@pytest.fixture(scope="module")
def checkout(watched: Watched, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like a checkout with this stack's state in it, as the pages expect."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / ".git").mkdir()
    (folder / ".conduit").symlink_to(watched.stack.state_dir)
    (folder / "deploy").symlink_to(ROOT / "deploy")
    return folder


def shell(commands: str, checkout: Path) -> subprocess.CompletedProcess[str]:
    """As an operator types it: strict, so that any command of a pipe that fails is a failure."""
    path = os.pathsep.join([str(Path(sys.executable).parent), str(Path(program("psql")).parent), os.environ["PATH"]])
    env = {"PATH": path, "HOME": os.environ.get("HOME", "/"), "USER_ON_CALL": "operator.on-call", "LC_ALL": "C.UTF-8"}
    script = f"set -eu\n. .conduit/env\n{NOTHING_FOUND}\n{commands}"
    return subprocess.run(
        ["bash", "-c", script], cwd=checkout, env=env, capture_output=True, text=True, check=False, timeout=90
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_run(page: Path, watched: Watched, checkout: Path) -> None:
    blocks = COMMANDS.findall(page.read_text())
    assert blocks
    watched.stack.wait_ready()  # `conduit status` fails while a service on a busy machine is behind, and rightly
    for block in blocks:
        done = shell(block, checkout)
        assert done.returncode == 0, f"{block}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        assert not re.search(r"error|no such|not found|permission denied", done.stderr, re.IGNORECASE), done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_every_section_and_names_its_alerts(page: Path) -> None:
    text = page.read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    named = {path.read_text() for path in (ROOT / "deploy/prometheus/rules").glob("*.yml")}
    for alert in re.findall(r"`(\w+)`", text.splitlines()[2]):
        assert any(f"- alert: {alert}\n" in rules for rules in named), alert


@pytest.mark.parametrize("page", NAMED)
def test_where_an_alert_counts_and_names_nobody_the_page_begins_with_the_command_that_does(page: str) -> None:
    first_look = COMMANDS.search((PAGES[0].parent / f"{page}.md").read_text())
    assert first_look is not None
    commands = [line for line in first_look[1].splitlines() if not line.startswith("#")]
    assert commands[0].startswith("conduit ")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_leads_to_pages_that_exist(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        path, _, heading = link.partition("#")
        found = page.parent / path
        assert found.is_file(), link
        headings = re.findall(r"^#+ (.+)$", found.read_text(), re.MULTILINE)
        assert not heading or heading in [re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings], link


def test_dead_letters_take_effect_once_their_cause_is_mended_and_the_page_is_followed(
    watched: Watched, checkout: Path
) -> None:
    """Triage's database refuses a referral, as a faulty release would. The page's own commands bring it back."""
    dsn = watched.stack.dsns["triage"]
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ALTER TABLE assessments ADD CONSTRAINT a_fault CHECK (partner_reference <> 'REPLAY-001')")
        with pytest.raises(AssertionError):
            watched.load("REPLAY", ["001"], patience_seconds=8)
        until(lambda: "1 dead letter waits" in dead_letters(watched, "list", "triage"), "no dead letter", 20)
        connection.execute("ALTER TABLE assessments DROP CONSTRAINT a_fault")
        (replay,) = [
            block for block in COMMANDS.findall((PAGES[0].parent / f"{REPLAY}.md").read_text()) if "replay" in block
        ]
        done = shell(replay, checkout)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "triage: 1 took effect, 0 still waiting, 0 not found" in done.stdout
        row = connection.execute("SELECT count(*) FROM assessments WHERE partner_reference = 'REPLAY-001'").fetchone()
        assert row == (1,)
