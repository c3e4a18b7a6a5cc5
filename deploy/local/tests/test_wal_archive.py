"""PostgreSQL's log is archived and a database wound back to a moment, by the steps of docs/operate-one-machine.md."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from conduit_local.postgres import EmbeddedPostgres, program
from conduit_operate.polling import wait_until

PAGE = (Path(__file__).parents[3] / "docs" / "operate-one-machine.md").read_text()
SQL = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
BLOCKS = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SHELL = [each for each in BLOCKS if "pg_basebackup" in each]
RECOVERY = [each for each in BLOCKS if "recovery.signal" in each]
ARCHIVE = "/backups/wal"


@pytest.fixture
def postgres(state_dir: Path) -> Iterator[EmbeddedPostgres]:
    running = EmbeddedPostgres(state_dir)
    running.start()
    try:
        yield running
    finally:
        running.kill()


def typed(block: str, state_dir: Path, dsn: str, at: str = "") -> None:
    """As the page has it, in this test's folders, and as the account that PostgreSQL runs as."""
    said = block.replace("/backups", str(state_dir / "backups")).replace(".conduit", str(state_dir))
    said = said.replace("2026-11-29 09:30:00+00", at)
    env = {**os.environ, "POSTGRES_DSN": dsn, "PATH": f"{Path(program('psql')).parent}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-euc", said], env=env, check=True)  # noqa: S603, S607  the page's own


def rows(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM held ORDER BY at")]


def write(dsn: str, word: str) -> datetime:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("INSERT INTO held VALUES (clock_timestamp(), %s)", [word])
    time.sleep(1.5)
    return datetime.now(UTC)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_database_is_wound_back_to_a_moment_and_loses_a_minute_at_most(
    postgres: EmbeddedPostgres, state_dir: Path
) -> None:
    (settings,), (base,), (recovery,) = SQL, SHELL, RECOVERY
    archive = state_dir / "backups" / "wal"
    archive.mkdir(parents=True)
    account = postgres._account or None
    if account:
        shutil.chown(archive, account)
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE held (at timestamptz, word text)")
        for statement in settings.replace(ARCHIVE, str(archive)).strip().removesuffix(";").split(";\n"):
            connection.execute(statement.encode())
    postgres.stop()
    postgres.start()
    typed(base, state_dir, postgres.dsn)
    write(postgres.dsn, "before")
    moment = write(postgres.dsn, "until then")
    write(postgres.dsn, "after")
    began = time.monotonic()
    archived = {each.name for each in archive.iterdir()}
    wait_until(lambda: {each.name for each in archive.iterdir()} > archived, "nothing is archived", 90, lambda: None)
    assert time.monotonic() - began < 70
    write(postgres.dsn, "not archived")

    for at, kept in ((moment.isoformat(sep=" "), ["before", "until then"]), ("", ["before", "until then", "after"])):
        postgres.kill()
        shutil.rmtree(state_dir / "postgres" / "data")
        lines = [line for line in recovery.splitlines() if at or "target" not in line]
        typed("\n".join(lines), state_dir, "", at)
        if account:
            subprocess.run(["chown", "-R", account, str(state_dir / "postgres" / "data")], check=True)  # noqa: S603, S607
        postgres.start()
        wait_until(lambda: not recovering(postgres.dsn), "it does not end recovery", 60, lambda: None)
        assert rows(postgres.dsn) == kept


def recovering(dsn: str) -> bool:
    with psycopg.connect(dsn) as connection:
        return connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
