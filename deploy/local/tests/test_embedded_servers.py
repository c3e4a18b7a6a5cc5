"""The embedded servers keep their data over stops, kills and the death of their parent, and refuse changed jars."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
from confluent_kafka.admin import AdminClient

from conduit_contracts.topics import TopicSpec
from conduit_local.kafka import EmbeddedKafka
from conduit_local.kafka_archive import keep_archive
from conduit_local.kafka_jars import LOCK_FILE, class_path
from conduit_local.providers import Servers, start_servers
from conduit_operate.jars import ChecksumError, fetched, read_lock
from conduit_operate.paths import cache_dir
from conduit_operate.topics import create_topics
from tests.support.servers import dsn_of

pytestmark = pytest.mark.kafka  # which they start themselves

PARENT = """
import sys, time
from pathlib import Path
from conduit_local.providers import start_servers
with start_servers(Path(sys.argv[1]), environ={}) as servers:
    print(servers.kafka_bootstrap_servers, servers.postgres_dsn, flush=True)
    time.sleep(600)
"""


def test_servers_end_with_a_killed_parent_and_a_second_start_finds_data_ports_and_password(state_dir: Path) -> None:
    with subprocess.Popen(  # noqa: S603  our own script
        [sys.executable, "-c", PARENT, str(state_dir)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        kafka, dsn = parent.stdout.readline().split()
        family = psutil.Process(parent.pid).children(recursive=True)
        _leave_something(kafka, dsn)
        parent.kill()
    began = time.monotonic()
    with start_servers(state_dir, environ={}) as again:  # at once: it has to wait for the old servers itself
        assert (again.kafka_bootstrap_servers, again.postgres_dsn) == (kafka, dsn)
        assert [process for process in family if _runs(process)] == []
        _find_it(again)
        _kill_both(again)
        _find_it(again)
    assert time.monotonic() - began < 40


def test_only_the_owner_reads_passwords_data_and_logs(servers: Servers) -> None:
    if servers.postgres is None or servers.postgres.child is None or servers.kafka is None or servers.kafka.child is None:
        pytest.fail("needs the embedded servers; unset KAFKA_BOOTSTRAP_SERVERS and POSTGRES_DSN")
    kept = {servers.postgres.child: ("secrets/postgres", "postgres/data", "logs"), servers.kafka.child: ("kafka", "logs")}
    for child, names in kept.items():
        for name in names:
            assert (child.log_path.parent.parent / name).stat().st_mode & 0o077 == 0, name


def test_a_jar_that_differs_from_the_lock_is_refused(tmp_path: Path) -> None:
    lock, folder = tmp_path / "lock", tmp_path / "kafka-jars"
    class_path(cache_dir())
    jar = min(read_lock(LOCK_FILE), key=lambda jar: (cache_dir() / "kafka-jars" / jar.file_name).stat().st_size)
    lock.write_text(f"# one jar\n{jar}\n")
    folder.mkdir()
    (folder / jar.file_name).write_bytes((cache_dir() / "kafka-jars" / jar.file_name).read_bytes())
    assert fetched(lock, tmp_path) == [folder / jar.file_name]
    with (folder / jar.file_name).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ChecksumError, match="Delete it to fetch it again"):
        fetched(lock, tmp_path)


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _leave_something(kafka: str, dsn: str) -> None:
    create_topics(kafka, [TopicSpec("kept", 2, {})])
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE kept")
    with psycopg.connect(dsn_of(dsn, "kept")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")


def _find_it(servers: Servers) -> None:
    topics = (
        AdminClient({"bootstrap.servers": servers.kafka_bootstrap_servers, "log_level": 0}).list_topics(timeout=20).topics
    )
    assert len(topics["kept"].partitions) == 2
    with psycopg.connect(dsn_of(servers.postgres_dsn, "kept")) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def _kill_both(servers: Servers) -> None:
    assert servers.kafka is not None
    assert servers.postgres is not None
    servers.kafka.kill()
    servers.postgres.kill()
    servers.postgres.start()
    servers.kafka.start()


def test_a_broker_takes_its_classes_from_the_archive_beside_the_jars(servers: Servers) -> None:
    if servers.kafka is None or servers.kafka.child is None:
        pytest.fail("the embedded servers are needed: unset KAFKA_BOOTSTRAP_SERVERS and POSTGRES_DSN")
    archive = keep_archive(cache_dir())
    assert archive is not None
    assert str(archive) in {mapped.path for mapped in psutil.Process(servers.kafka.child.pid).memory_maps()}


def test_a_broker_starts_without_its_archive_where_that_is_damaged(state_dir: Path) -> None:
    damaged = state_dir / "damaged.aot"
    damaged.write_bytes(b"no archive")
    kafka = EmbeddedKafka(state_dir, archive=damaged)
    kafka.start()
    kafka.kill()
    assert kafka.child is not None
    assert "processing the AOT cache" in kafka.child.log_path.read_text()
