"""Migrations: from nothing, again, and by several processes at once."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.errors import LockNotAvailable
from structlog.testing import capture_logs

from conduit_chassis import migrate as module
from conduit_chassis.migrate import MigrationError, migrate
from services.chassis.tests.sample import MIGRATIONS

OF_THE_CHASSIS = sorted(path.stem for path in module.CHASSIS.glob("*.sql"))


@pytest.fixture
def empty(new_database: Callable[[], str]) -> str:
    return new_database()


def tables(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        return {row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}


def test_from_nothing_the_chassis_comes_first(empty: str) -> None:
    assert migrate(empty, MIGRATIONS) == [*OF_THE_CHASSIS, "0001_effects"]
    assert {"inbox", "outbox", "outbox_rejected", "dead_letters", "dead_letter_actions", "effects"} <= tables(empty)


def test_a_second_time_nothing_is_applied(empty: str) -> None:
    migrate(empty, MIGRATIONS)
    assert migrate(empty, MIGRATIONS) == []


def test_a_later_migration_is_applied_to_what_stands(empty: str, tmp_path: Path) -> None:
    (tmp_path / "0001_one.sql").write_text("CREATE TABLE one (id integer);")
    migrate(empty, tmp_path)
    (tmp_path / "0002_two.sql").write_text("CREATE TABLE two (id integer);")
    assert migrate(empty, tmp_path) == ["0002_two"]
    assert {"one", "two"} <= tables(empty)


def test_what_a_newer_release_applied_is_named_in_the_log_and_left_alone(empty: str, tmp_path: Path) -> None:
    (tmp_path / "0001_one.sql").write_text("CREATE TABLE one (id integer);")
    migrate(empty, tmp_path)
    (tmp_path / "0002_of_the_newer.sql").write_text("CREATE TABLE two (id integer);")
    migrate(empty, tmp_path)
    (tmp_path / "0002_of_the_newer.sql").unlink()
    with capture_logs() as said:
        assert migrate(empty, tmp_path) == []
    assert [each["migrations"] for each in said if each["event"] == "database_is_newer"] == [["0002_of_the_newer"]]
    assert "two" in tables(empty)


def _samples(dsn: str) -> str:
    with psycopg.connect(dsn) as connection:
        (target,) = connection.execute("SHOW default_statistics_target").fetchone() or ("",)
    return str(target)


def test_autovacuum_takes_small_samples_after_the_migrations(empty: str) -> None:
    assert _samples(empty) == "100"
    migrate(empty, MIGRATIONS)
    assert _samples(empty) == "10"


def test_who_does_not_own_the_database_can_migrate_all_the_same(empty: str) -> None:
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS guest")
        connection.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
        connection.execute("GRANT ALL ON SCHEMA public TO guest")
    address = urlsplit(empty)
    guest = address._replace(netloc=f"guest:guest@{address.hostname}:{address.port}").geturl()
    try:
        assert migrate(guest, MIGRATIONS) == [*OF_THE_CHASSIS, "0001_effects"]
        assert _samples(empty) == "100"
    finally:
        with psycopg.connect(empty, autocommit=True) as connection:
            connection.execute("DROP OWNED BY guest CASCADE")
            connection.execute("DROP ROLE guest")


SLOW = "DO $$ BEGIN PERFORM pg_sleep(0.5); END $$; CREATE TABLE slow (id integer);"
PROGRAM = """
import sys
from pathlib import Path
from conduit_chassis.migrate import migrate
print(migrate(sys.argv[1], Path(sys.argv[2])))
"""


def start(dsn: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, dsn, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603 - our own


def test_processes_that_start_together_apply_each_migration_once(empty: str, tmp_path: Path) -> None:
    (tmp_path / "0001_slow.sql").write_text(SLOW)
    processes = [start(empty, tmp_path) for _ in range(3)]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    assert sorted(out.strip() for out, _ in outputs) == [str([*OF_THE_CHASSIS, "0001_slow"]), "[]", "[]"]


def test_a_process_killed_while_it_migrates_leaves_no_lock_behind(empty: str, tmp_path: Path) -> None:
    (tmp_path / "0001_long.sql").write_text("SELECT pg_sleep(60); CREATE TABLE long (id integer);")
    process = start(empty, tmp_path)
    with psycopg.connect(empty, autocommit=True) as connection:
        asleep = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        while not (found := connection.execute(asleep).fetchall()):
            assert process.poll() is None
        process.kill()
        process.communicate()
        for (pid,) in found:
            connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
    (tmp_path / "0001_long.sql").write_text("CREATE TABLE long (id integer);")
    assert migrate(empty, tmp_path, wait_ms=5_000) == ["0001_long"]


def test_a_table_in_use_stops_the_migration_not_the_service(empty: str, tmp_path: Path) -> None:
    migrate(empty, MIGRATIONS)
    (tmp_path / "0001_change.sql").write_text("ALTER TABLE effects ADD COLUMN more integer;")
    with psycopg.connect(empty) as busy:
        busy.execute("SELECT FROM effects")
        with pytest.raises(LockNotAvailable):
            migrate(empty, tmp_path, lock_timeout_ms=200)
    assert migrate(empty, tmp_path) == ["0001_change"]


def test_a_migration_that_fails_leaves_nothing_behind(empty: str, tmp_path: Path) -> None:
    (tmp_path / "0001_bad.sql").write_text("CREATE TABLE half (id integer); SELECT 1 / 0;")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty, tmp_path)
    assert "half" not in tables(empty)


def test_an_empty_folder_is_a_mistake(empty: str, tmp_path: Path) -> None:
    with pytest.raises(MigrationError):
        migrate(empty, tmp_path)


def test_who_waits_for_another_that_migrates_does_not_wait_for_ever(empty: str) -> None:
    with module._lock(empty, None, 1_000):
        failed = []

        def try_it() -> None:
            try:
                migrate(empty, MIGRATIONS, wait_ms=200)
            except LockNotAvailable:
                failed.append(True)

        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join(10)
    assert failed
