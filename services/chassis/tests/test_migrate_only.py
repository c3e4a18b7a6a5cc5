"""`python -m conduit_chassis.migrate_only`: a release's migrations on their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from conduit_chassis import migrate_only


def migrate(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "conduit_chassis.migrate_only", *arguments]
    path = {"PATH": os.environ["PATH"]}
    return subprocess.run(command, env={**path, **environ}, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603


def test_a_services_database_is_migrated_with_a_password_from_a_file_and_nothing_of_kafka(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    dsn = new_database()
    parts = urlsplit(dsn)
    (tmp_path / "password").write_text(f"{parts.password}\n")
    bare = parts._replace(netloc=f"{parts.username}@{parts.hostname}:{parts.port}").geturl()
    environ = {"POSTGRES_DSN": bare, "POSTGRES_PASSWORD_FILE": str(tmp_path / "password")}
    first, second = (migrate(environ, "conduit_intake") for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    applied = [json.loads(done.stdout.splitlines()[-1])["count"] for done in (first, second)]
    assert applied[0] > 2
    assert applied[1] == 0
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*) FROM referrals").fetchone() == (0,)


def test_a_database_that_does_not_answer_ends_it_with_a_failure_that_can_be_tried_again() -> None:
    done = migrate({"POSTGRES_DSN": "postgresql://nobody:nothing@127.0.0.1:1/none"}, "conduit_intake")
    assert done.returncode == migrate_only.EXIT_FAILED
    assert "not_migrated" in done.stdout
    assert "nothing" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "environ", "told"),
    [
        ((), {}, "usage"),
        (("conduit_intake",), {}, "POSTGRES_DSN: Field required"),
        (("conduit_contracts",), {"POSTGRES_DSN": "x"}, "no service"),
        (("json",), {"POSTGRES_DSN": "x"}, "no service"),
    ],
)
def test_misuse_is_explained(arguments: tuple[str, ...], environ: dict[str, str], told: str) -> None:
    done = migrate(environ, *arguments)
    assert done.returncode == migrate_only.EXIT_CONFIGURATION
    assert told in done.stderr
