"""The pure parts."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from pydantic import BaseModel, ValidationError

from conduit_chassis import dead_letters, orders
from conduit_chassis.backoff import delay
from conduit_chassis.consumer.lag import LagMeter
from conduit_chassis.errors import (
    DOUBTFUL_ATTEMPTS,
    ConfigurationError,
    FailureCause,
    TooManyDeadLettersError,
    class_name,
    classify,
    worth_retrying,
)
from conduit_chassis.headers import unpack_headers
from conduit_chassis.health import Health
from conduit_chassis.limit import Limit
from conduit_chassis.orders import Replay
from conduit_chassis.outbox import Outbox, shard_of
from conduit_chassis.partitioner import partition_of
from conduit_chassis.policy import load_policy
from conduit_chassis.records import REPLAY_HEADER, Delivery, Reader, Record, Refusal, fingerprint
from conduit_chassis.replay import DeadLetter, _hopeful
from conduit_chassis.settings import Settings
from conduit_chassis.testing import VERIFIER, raw_record, record
from conduit_chassis.trace import child
from conduit_contracts.ids import uuid7
from conduit_contracts.referral import Ground
from conduit_contracts.topic import REFERRAL
from conduit_contracts.topics import INTAKE_DANGERS, SERVICES, TRIAGE_REVIEWS, consumed_by
from conduit_contracts.triage import DecideReview, ReviewOutcome
from services.chassis.tests.sample import Noted, Sample

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class TestBackoff:
    @given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
    def test_it_never_waits_longer_than_the_longest_nor_less_than_half(self, attempt: int, jitter: float) -> None:
        full = min(10.0, 0.1 * 2 ** min(attempt - 1, 30))
        assert full / 2 <= delay(attempt, jitter) <= full

    def test_it_doubles(self) -> None:
        assert [delay(attempt, 0.0) for attempt in (1, 2, 3, 4)] == [0.1, 0.2, 0.4, 0.8]


class TestTrace:
    def test_a_child_stays_in_the_trace_as_a_span_of_its_own(self) -> None:
        parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        made = child(parent)
        assert made[:36] == parent[:36]
        assert made[36:52] != parent[36:52]
        assert made[52:] == parent[52:]

    @pytest.mark.parametrize("bad", [None, "", "nonsense", "00-" + "0" * 32 + "-00f067aa0ba902b7-01"])
    def test_without_a_trace_to_carry_on_a_new_one_begins(self, bad: str | None) -> None:
        assert child(child(bad))[:36] != child(bad)[:36]
        assert child(bad)[3:35] != "0" * 32


KINDS_OF_POSTGRES = sorted(
    {kind for kind in vars(asyncpg).values() if isinstance(kind, type) and (getattr(kind, "sqlstate", None) or "") != ""},
    key=lambda kind: (kind.sqlstate, kind.__name__),
)


class TestErrors:
    @pytest.mark.parametrize(
        "error",
        [
            asyncpg.DeadlockDetectedError("x"),
            asyncpg.SerializationError("x"),
            asyncpg.AdminShutdownError("x"),
            asyncpg.LockNotAvailableError("x"),
            asyncpg.ConnectionDoesNotExistError("x"),
            asyncpg.TooManyConnectionsError("x"),
            asyncpg.ReadOnlySQLTransactionError("x"),
            asyncpg.InterfaceError("connection is closed"),
            asyncpg.InvalidCachedStatementError("x"),
            asyncpg.InvalidSQLStatementNameError("x"),
            asyncpg.DuplicatePreparedStatementError("x"),
            asyncpg.InvalidPasswordError("x"),
            asyncpg.InvalidAuthorizationSpecificationError("x"),
            asyncpg.InvalidCatalogNameError("x"),
            asyncpg.InsufficientPrivilegeError("x"),
            asyncpg.UndefinedTableError("x"),
            asyncpg.UndefinedColumnError("x"),
            asyncpg.FeatureNotSupportedError("x"),
            asyncpg.ObjectNotInPrerequisiteStateError("x"),
            asyncpg.DiskFullError("x"),
            KafkaConnectionError("x"),
            ConnectionResetError(),
        ],
    )
    def test_failing_surroundings_are_worth_any_number_of_attempts(self, error: Exception) -> None:
        assert worth_retrying(error, 1_000)

    @pytest.mark.parametrize("error", [TimeoutError(), asyncpg.QueryCanceledError("x"), asyncpg.InternalServerError("x")])
    def test_a_time_limit_is_worth_a_few(self, error: Exception) -> None:
        assert worth_retrying(error, DOUBTFUL_ATTEMPTS - 1)
        assert not worth_retrying(error, DOUBTFUL_ATTEMPTS)

    @pytest.mark.parametrize(
        "error",
        [
            ValueError("x"),
            asyncpg.UniqueViolationError("x"),
            asyncpg.CheckViolationError("x"),
            asyncpg.CardinalityViolationError("x"),
            asyncpg.StatementTooComplexError("x"),
            asyncpg.RaiseError("x"),
            asyncpg.DataError("invalid input"),
            asyncpg.InterfaceError("the server expects 2 arguments"),
        ],
    )
    def test_a_bad_record_is_not_worth_another(self, error: Exception) -> None:
        assert not worth_retrying(error, 1)

    @pytest.mark.parametrize("kind", KINDS_OF_POSTGRES, ids=lambda kind: f"{kind.sqlstate} {kind.__name__}")
    def test_only_what_a_value_can_bring_about_is_put_down_to_a_record(self, kind: type[asyncpg.PostgresError]) -> None:
        """Statements are ours and never change: no value makes a table go, a right, a type or a place on the disk."""
        if kind.sqlstate[:2] in {"0A", "08", "28", "3D", "3F", "42", "53", "55", "57", "58"}:
            assert classify(kind("x")) is not FailureCause.POISON
        if kind.sqlstate[:2] in {"21", "22", "23", "44", "54", "P0"}:
            assert classify(kind("x")) is FailureCause.POISON

    def test_a_class_name_holds_no_text(self) -> None:
        assert class_name(ValueError("Mary")) == "ValueError"


class TestLimit:
    def test_one_bad_record_now_and_then_is_no_reason_to_stop(self) -> None:
        limit = Limit(3, 10)
        for _ in range(20):
            limit.failed("")
            limit.passed(5)

    def test_it_stops_at_the_limit(self) -> None:
        limit = Limit(3, 10)
        limit.failed("")
        limit.failed("")
        with pytest.raises(TooManyDeadLettersError):
            limit.failed("")

    def test_one_partner_alone_cannot_stop_the_service(self) -> None:
        limit = Limit(10, 100)
        for _ in range(100):
            limit.failed("one")

    def test_many_partners_failing_are_our_fault(self) -> None:
        limit = Limit(10, 100)
        for turn in range(9):
            limit.failed(f"partner-{turn % 5}")
        with pytest.raises(TooManyDeadLettersError):
            limit.failed("partner-4")


class TestHealth:
    def make(self) -> tuple[Health, list[float]]:
        now = [0.0]
        health = Health(stall_seconds=30, dead_seconds=300, now=lambda: now[0])
        health.started("database")
        health.started("consumer")
        return health, now

    def test_it_is_not_ready_before_it_has_started(self) -> None:
        assert Health().not_ready() == ["starting: consumer", "starting: database"]

    def test_lag_without_progress_is_not_ready_and_in_the_end_not_alive(self) -> None:
        health, now = self.make()
        health.lag(5)
        now[0] = 29
        assert not health.not_ready()
        now[0] = 30
        assert health.not_ready() == ["records wait without progress"]
        assert not health.not_alive()
        now[0] = 300
        assert health.not_alive()

    def test_progress_makes_it_ready_again(self) -> None:
        health, now = self.make()
        health.lag(5)
        now[0] = 60
        health.progressed()
        assert not health.not_ready()

    def test_no_lag_is_no_stall(self) -> None:
        health, now = self.make()
        health.lag(5)
        health.lag(0)
        now[0] = 60
        assert not health.not_ready()

    def test_a_database_that_is_away_is_no_reason_to_restart(self) -> None:
        health, now = self.make()
        health.lag(5)
        health.failing("batch", "ConnectionError")
        now[0] = 1_000
        assert health.not_ready()
        assert not health.not_alive()


class TestLag:
    def test_age_is_how_long_the_oldest_record_has_waited(self) -> None:
        now = [0.0]
        meter = LagMeter(Health(), lambda name: name, lambda: now[0])
        partition = TopicPartition("t", 0)
        for when, end, position, age in [(0, 10, 10, 0), (5, 12, 10, 0), (10, 15, 10, 5), (15, 15, 12, 5), (20, 15, 15, 0)]:
            now[0] = when
            assert meter._age(partition, end, position) == age

    def test_a_topic_that_moved_on_shows_no_lag(self) -> None:
        meter = LagMeter(Health(), lambda name: f"{name} of this test", lambda: 0.0)
        meter.observe({TopicPartition("t", 0): 10}, {TopicPartition("t", 0): 4})
        assert self.shown("t of this test") == (6.0, 0.0)
        meter.observe({}, {})
        assert self.shown("t of this test") is None

    @given(st.lists(st.sampled_from(["measured", "partly", "lost", "moved"]), max_size=12))
    def test_what_was_not_measured_last_is_not_shown(self, turns: list[str]) -> None:
        meter = LagMeter(Health(), lambda name: f"{name} of the turns")
        one, two = TopicPartition("one", 0), TopicPartition("two", 0)
        for number, turn in enumerate(turns, start=1):
            match turn:
                case "measured":
                    meter.observe({one: number, two: number}, {one: 0, two: 0})
                case "partly":
                    meter.observe({two: number}, {two: 0}, unknown=[one])
                case "moved":
                    meter.observe({one: number}, {one: 0})
                case _:
                    meter.lost()
            for name, when in (("one", ("measured", "moved")), ("two", ("measured", "partly"))):
                found = self.shown(f"{name} of the turns")
                assert (found and found[0]) == (number if turn in when else None)
        meter.lost()

    def shown(self, topic: str) -> tuple[float, float] | None:
        """What a scrape would find."""
        # Not by the whole registry, which has thousands of series: this is asked very often.
        metrics = REGISTRY.restricted_registry(["conduit_lag_records", "conduit_lag_seconds"]).collect()
        samples = {one.name: one.value for each in metrics for one in each.samples if one.labels["topic"] == topic}
        found = [samples.get("conduit_lag_records"), samples.get("conduit_lag_seconds")]
        return None if None in found else (found[0] or 0.0, found[1] or 0.0)


class TestOutbox:
    def test_an_event_carries_its_attributes(self) -> None:
        outbox = Outbox("sample", NOW)
        event_id = outbox.publish("t", "k", Noted(number=1), subject="s")
        headers = dict(unpack_headers(outbox.rows[0].headers))
        assert headers["ce_id"].decode() == event_id
        assert headers["ce_source"] == b"/conduit/sample"
        assert headers["ce_time"] == b"2026-11-23T00:00:00+00:00"
        assert headers["ce_subject"] == b"s"
        assert outbox.rows[0].value == b'{"number":1,"action":"keep","words":""}'

    @given(st.binary(min_size=1), st.integers(1, 64))
    def test_a_key_stays_in_its_shard(self, key: bytes, shards: int) -> None:
        assert shard_of(key, shards) == shard_of(key, shards) < shards

    @given(st.binary(min_size=1, max_size=64), st.integers(1, 50))
    def test_keys_go_where_every_kafka_client_sends_them(self, key: bytes, count: int) -> None:
        assert partition_of(key, count) == DefaultPartitioner()(key, list(range(count)), [])


HEADERS = st.lists(
    st.tuples(st.text(st.characters(codec="utf-8"), max_size=20), st.none() | st.binary(max_size=20)), max_size=8
)


class TestDeadLetterRecord:
    @given(HEADERS, st.none() | st.binary(max_size=200))
    def test_it_comes_back_as_it_was(self, headers: list[tuple[str, bytes | None]], value: bytes | None) -> None:
        original = Record("t", 0, 0, b"k", headers, value, 0)
        assert dead_letters.unpack(dead_letters.pack(original)) == (headers, value)

    def test_who_waits_behind_one_that_failed_again_is_not_waited_for(self) -> None:
        def letter(number: int, lane: bytes | None) -> DeadLetter:
            return DeadLetter(number, "t", 0, number, lane, lane, "r", None, 1, NOW, b"", True)

        letters = [letter(1, b"k"), letter(2, b"k"), letter(3, b"other"), letter(4, None), letter(5, None)]
        assert _hopeful(letters, {1: 2, 2: 1, 3: 1, 4: 2, 5: 1}) == {3, 5}
        assert _hopeful(letters, {1: 2, 2: 1}) == set()


class TestOrders:
    @settings(deadline=None)
    @given(st.integers(1, 2**63 - 1), st.binary(max_size=40))
    def test_an_order_is_read_as_it_was_written(self, number: int, digest: bytes) -> None:
        order = Replay(number, digest, "jo.smith", "The cause is mended")
        assert orders.parse(orders.spell(order)) == order

    @settings(deadline=None)
    @given(
        st.none()
        | st.binary(max_size=60)
        | st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["number", "digest", "actor", "reason", "x"]), inner, max_size=5)
            ),
            max_leaves=12,
        ).map(lambda value: json.dumps(value).encode())
    )
    def test_whatever_an_operator_writes_is_an_order_or_none(self, value: bytes | None) -> None:
        found = orders.parse(value)
        assert found is None or (found.number > 0 and found.actor.strip() and found.reason.strip())


class TestReader:
    def reader(self, sample: Sample) -> Reader:
        return Reader(sample.name, (sample.inside, sample.edge), {})

    def test_a_partner_is_known_by_its_topic_not_by_what_it_says(self, sample: Sample) -> None:
        made = record(sample.edge.name("one"), "k", Noted(number=1), source="/conduit/triage")
        assert self.reader(sample).read(made).content.principal == "one"

    def test_what_a_partner_sends_again_is_told_from_what_kafka_delivers_again(self, sample: Sample) -> None:
        reader, name = self.reader(sample), sample.edge.name("one")
        first, again = (record(name, "k", Noted(number=1), event_id="same") for _ in range(2))
        assert reader.read(first).inbox_id == reader.read(first).inbox_id
        assert reader.read(first).inbox_id != reader.read(again).inbox_id

    def test_what_an_officer_got_wrong_holds_up_nobody(self) -> None:
        reader = Reader("triage", consumed_by("triage"), {}, VERIFIER)
        command = DecideReview(
            referral_id=uuid7(), officer_id="a.okafor", outcome=ReviewOutcome.ACCEPT, grounds=(Ground.NUMBER_OF_VICTIMS,)
        )
        item = reader.read(record(TRIAGE_REVIEWS.name(), "k", command))
        assert isinstance(item.content, Delivery)
        assert item.lane is None

    @pytest.mark.parametrize("service", SERVICES)
    def test_what_is_not_about_a_referral_holds_up_its_own_topic_alone(self, service: str) -> None:
        """A register's keys are chosen by whoever writes it, and may be a referral's or another register's."""
        reader = Reader(service, consumed_by(service), {})
        topics = [topic for topic in consumed_by(service) if not topic.edge and topic.parameter is None]
        lanes = {topic: reader.read(raw_record(topic.template, "k", [], b"garbage")).lane for topic in topics}
        for topic, lane in lanes.items():
            others = {other for other in topics if lane is not None and other is not topic and lanes[other] == lane}
            assert all(each.key == REFERRAL for each in (others and {topic, *others})), (topic.template, others)

    def test_what_says_danger_waits_behind_nothing(self) -> None:
        reader = Reader("notification", consumed_by("notification"), {})
        assert reader.read(raw_record(INTAKE_DANGERS.name(), "k", [], b"garbage")).lane is None

    def test_a_partner_cannot_choose_the_lane_of_another(self, sample: Sample) -> None:
        reader = self.reader(sample)
        lanes = {
            reader.read(record(name, "k", Noted(number=1))).lane
            for name in (sample.edge.name("one"), sample.edge.name("two"), sample.inside.template)
        }
        assert len(lanes) == 3

    def test_an_edge_topic_is_read_closed_and_an_internal_one_is_not(self, sample: Sample) -> None:
        reader = self.reader(sample)
        for name, kind in ((sample.edge.name("one"), Refusal), (sample.inside.template, Delivery)):
            made = record(name, "k", Noted(number=1))
            assert isinstance(reader.read(made._replace(value=b'{"number":1,"new":2}')).content, kind)

    @given(HEADERS, st.none() | st.binary(max_size=50), st.none() | st.text(max_size=5))
    def test_whatever_comes_becomes_an_item(
        self, headers: list[tuple[str, bytes | None]], value: bytes | None, key: str | None
    ) -> None:
        sample = Sample("sample")
        for name in (sample.edge.name("one"), sample.inside.template):
            item = self.reader(sample).read(raw_record(name, key, headers, value))
            assert isinstance(item.content, Refusal)
            assert item.inbox_id.isascii()

    def test_no_header_makes_a_record_a_replay(self, sample: Sample) -> None:
        made = record(sample.edge.name("one"), "k", Noted(number=1))
        item = self.reader(sample).read(made._replace(headers=[*made.headers, (REPLAY_HEADER, b"sample/7")]))
        assert item.replay_of is None
        assert not item.accounted_for

    def test_a_fingerprint_tells_an_absent_key_from_an_empty_one(self) -> None:
        prints = {
            fingerprint(Record("t", 0, 0, key, [], value, 0)) for key in (None, b"", b"a") for value in (None, b"", b"a")
        }
        assert len(prints) == 9

    def test_random_bytes_do_not_decode_to_a_delivery(self, sample: Sample) -> None:
        random.seed(1)
        for _ in range(200):
            made = record(sample.edge.name("one"), "k", Noted(number=1))._replace(value=random.randbytes(20))
            assert isinstance(self.reader(sample).read(made).content, Refusal)


class Rules(BaseModel):
    version: str
    threshold: int


class TestPolicy:
    def write(self, folder: Path, text: str) -> Path:
        path = folder / "policy.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def test_a_section_knows_the_files_version(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, 'version = "2026-11"\n[triage]\nthreshold = 3\n')
        assert load_policy(path, "triage", Rules) == Rules(version="2026-11", threshold=3)

    @pytest.mark.parametrize(
        ("text", "named"),
        [
            ("[triage]\nthreshold = 3\n", "version"),
            ('version = "1"\n', "[triage]"),
            ('version = "1"\n[triage]\nthreshold = "many"\n', "triage.threshold"),
            ('version = "1"\n[triage]\n', "triage.threshold"),
            ("version = ", "policy.toml"),
        ],
    )
    def test_an_error_names_the_key(self, tmp_path: Path, text: str, named: str) -> None:
        with pytest.raises(ConfigurationError) as raised:
            load_policy(self.write(tmp_path, text), "triage", Rules)
        assert named in str(raised.value)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match=r"absent\.toml"):
            load_policy(tmp_path / "absent.toml", "triage", Rules)


class TestSettings:
    def test_they_come_from_the_environment_without_a_prefix(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "k:9092")
        monkeypatch.setenv("POSTGRES_DSN", "postgresql://x")
        monkeypatch.setenv("BATCH_MAX_RECORDS", "7")
        assert Settings().batch_max_records == 7

    def test_secrets_do_not_show(self) -> None:
        made = Settings(kafka_bootstrap_servers="k", postgres_dsn="postgresql://u:hidden@h/d", kafka_sasl_password="hidden")
        assert "hidden" not in repr(made)
        assert "hidden" not in made.model_dump_json()

    def test_a_password_may_stand_in_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "password"
        path.write_text("hidden\n")
        made = Settings(
            kafka_bootstrap_servers="k",
            postgres_dsn="x",
            kafka_security_protocol="SASL_PLAINTEXT",
            kafka_sasl_username="triage",
            kafka_sasl_password_file=path,
        )
        assert made.kafka_arguments()["sasl_plain_password"] == "hidden"

    def test_credentials_must_be_complete(self) -> None:
        with pytest.raises(ValidationError, match="KAFKA_SASL_USERNAME"):
            Settings(kafka_bootstrap_servers="k", postgres_dsn="x", kafka_security_protocol="SASL_SSL")
