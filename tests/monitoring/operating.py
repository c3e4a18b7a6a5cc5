"""What an operator does at a running stack: the commands of the runbooks, as they are typed."""

from __future__ import annotations

import subprocess
import sys

import psycopg

from tests.monitoring.watched import Watched

OPERATOR = ("--apply", "--actor", "operator.on-call", "--reason", "the cause is fixed")


def conduit(watched: Watched, *arguments: str) -> str:
    """What `conduit` says; it must succeed."""
    command = [sys.executable, "-m", "conduit_operate.cli", *arguments, "--state-dir", str(watched.stack.state_dir)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dead_letters(watched: Watched, *arguments: str) -> str:
    """`conduit dead-letters`."""
    return conduit(watched, "dead-letters", *arguments)


def waiting(watched: Watched, service: str) -> list[int]:
    """The dead letters that wait."""
    with psycopg.connect(watched.stack.dsns[service]) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM dead_letters WHERE resolved_at IS NULL ORDER BY id")]


def give_up(watched: Watched, *services: str) -> None:
    """All dead letters that wait at these."""
    for service in services:
        for number in waiting(watched, service):
            dead_letters(watched, "discard", service, "--id", str(number), *OPERATOR)
