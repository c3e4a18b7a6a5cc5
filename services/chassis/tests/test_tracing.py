"""Tracing: whose child each span is, what stands on it, what it survives, and that there is none of it unless asked for."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.responses import PlainTextResponse

from conduit_chassis import postgres, tracing
from conduit_chassis.batch import Processor
from conduit_chassis.errors import ConfigurationError
from conduit_chassis.headers import unpack_headers
from conduit_chassis.health import Health
from conduit_chassis.outbox import Outbox
from conduit_chassis.periodic import run_tick
from conduit_chassis.records import Delivery, Incoming, Reader, Record
from conduit_chassis.runtime import Runtime, Service
from conduit_chassis.testing import ManualClock, raw_record, record
from services.chassis.tests.sample import Kept, Noted, Sample
from services.chassis.tests.world import World, eventually
from tests.support.collector import Collector, Seen, collecting

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLER = f"00-{TRACE}-{SPAN}-01"
SECRET = "Nobody Synthetic"
NO_COLLECTOR = "http://127.0.0.1:9"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


@dataclass
class Traced:
    """A service with tracing on, on a real database and fed by hand, whose spans come to a real collector."""

    tracing: tracing.Tracing
    runtime: Runtime
    collector: Collector

    async def process(self, *records: Record) -> None:
        service = self.runtime.service
        reader = Reader(service.name, service.reads(), service.readers)
        await Processor(self.runtime, reader).process(records)

    async def spans(self) -> list[Seen]:
        """All of them: it ends tracing."""
        await self.tracing.end()
        return self.collector.received

    async def headers(self) -> list[dict[str, str]]:
        """Of each row of the outbox, in order."""
        rows = await self.runtime.pool.fetch("SELECT headers FROM outbox ORDER BY id")
        return [{name: value.decode() for name, value in unpack_headers(row[0])} for row in rows]


@asynccontextmanager
async def traced(world: World, collector: Collector, service: Service[Any]) -> AsyncIterator[Traced]:
    settings = world.settings()
    pool = await postgres.create_pool(settings, service.name)
    made = tracing.for_service(service.name)
    try:
        yield Traced(made, Runtime(service, settings, pool, ManualClock(), Health(), made.observers), collector)
    finally:
        await made.end()
        await postgres.close_pool(pool)


def carrying(given: Record, *headers: tuple[str, bytes | None]) -> Record:
    return given._replace(headers=[*given.headers, *headers])


def from_caller(given: Record, traceparent: str = CALLER) -> Record:
    return carrying(given, ("traceparent", traceparent.encode()))


def named(spans: Sequence[Seen], operation: str, trace: str = "") -> list[Seen]:
    """The spans of an operation, in one trace where it is given."""
    return [span for span in spans if span.operation == operation and (not trace or span.trace == trace)]


def exporters() -> list[str]:
    """The exporters' threads in this process."""
    return [thread.name for thread in threading.enumerate() if "Otel" in thread.name]


def followed(traceparent: str) -> tuple[str, str]:
    """The trace and the span that a header names."""
    _, trace, span, _ = traceparent.split("-")
    return trace, span


class TestARecord:
    async def test_its_span_follows_its_producers_and_is_followed_by_its_events(
        self, world: World, collector: Collector
    ) -> None:
        sample = world.sample
        given = record(sample.inside.template, "k", Noted(number=1), subject=str(uuid4()))
        async with traced(world, collector, sample.service()) as service:
            await service.process(from_caller(given))
            (header,) = await service.headers()
            process, create = sorted(await service.spans(), key=lambda span: span.operation, reverse=True)
        assert (process.trace, process.parent, process.links) == (TRACE, SPAN, ((TRACE, SPAN),))
        assert (create.trace, create.parent) == (TRACE, process.id)
        assert followed(header["traceparent"]) == (TRACE, create.id)

    async def test_its_span_is_named_as_the_conventions_say(self, world: World, collector: Collector) -> None:
        sample, subject, event_id = world.sample, str(uuid4()), str(uuid4())
        given = record(sample.inside.template, "k", Noted(number=1), subject=subject, event_id=event_id)
        async with traced(world, collector, sample.service()) as service:
            await service.process(given)
            (process,) = named(await service.spans(), "process")
        assert (process.service, process.kind) == (f"conduit-{sample.name}", "CONSUMER")
        assert process.name == f"process {sample.inside.template}"
        assert process.values == {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": sample.inside.template,
            "messaging.destination.template": sample.inside.template,
            "messaging.destination.partition.id": "0",
            "messaging.consumer.group.name": f"conduit.{sample.name}",
            "messaging.kafka.offset": given.offset,
            "messaging.message.id": event_id,
            "messaging.message.conversation_id": subject,
            "cloudevents.event_type": Noted.type,
            "conduit.batch.records": 1,
            "conduit.outcome": "handled",
        }

    async def test_a_batch_of_many_traces_keeps_them_apart(self, world: World, collector: Collector) -> None:
        sample = world.sample
        callers = [f"00-{number:032x}-{number:016x}-01" for number in range(1, 21)]
        batch = [from_caller(world.noted(number, f"k{number}"), caller) for number, caller in enumerate(callers)]
        async with traced(world, collector, sample.service()) as service:
            await service.process(*batch)
            headers = await service.headers()
            spans = await service.spans()
        for caller, header in zip(callers, headers, strict=True):
            trace, span = followed(caller)
            (process,), (create,) = named(spans, "process", trace), named(spans, "create", trace)
            assert (process.parent, create.parent, followed(header["traceparent"])[1]) == (span, process.id, create.id)
            assert process.values["conduit.batch.records"] == 20

    @pytest.mark.parametrize(
        "traceparent",
        [
            None,
            b"",
            b"nonsense",
            f"00-{TRACE}-{SPAN}".encode(),
            f"00-{TRACE.upper()}-{SPAN}-01".encode(),
            f"00-{'0' * 32}-{SPAN}-01".encode(),
            f"00-{TRACE}-{'0' * 16}-01".encode(),
            f"ff-{TRACE}-{SPAN}-01".encode(),
        ],
    )
    async def test_a_missing_or_malformed_traceparent_begins_a_trace(
        self, world: World, collector: Collector, traceparent: bytes | None
    ) -> None:
        given = world.noted(1)
        if traceparent is not None:
            given = carrying(given, ("traceparent", traceparent))
        async with traced(world, collector, world.sample.service()) as service:
            await service.process(given)
            (header,) = await service.headers()
            process, create = sorted(await service.spans(), key=lambda span: span.operation, reverse=True)
        assert (process.parent, process.links) == ("", ())
        assert process.trace != TRACE
        assert create.parent == process.id
        assert followed(header["traceparent"]) == (process.trace, create.id)

    async def test_an_unsampled_trace_has_no_spans_and_goes_on_unsampled(self, world: World, collector: Collector) -> None:
        sample = world.sample
        async with traced(world, collector, sample.service()) as service:
            await service.process(from_caller(world.noted(1), CALLER[:-2] + "00"), from_caller(world.noted(2, "other")))
            headers = await service.headers()
            spans = await service.spans()
            remembered = await service.runtime.pool.fetchval("SELECT count(*) FROM trace_origins")
        assert {followed(each["traceparent"])[0] for each in headers} == {TRACE}
        assert [each["traceparent"][-2:] for each in headers] == ["00", "01"]
        assert sorted(span.operation for span in spans) == ["create", "process"]
        assert remembered == 0

    async def test_the_environments_sampler_decides(
        self, world: World, collector: Collector, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
        monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
        low, high = (f"00-{TRACE[:16]}{half * 16}-{SPAN}-01" for half in "1e")
        async with traced(world, collector, world.sample.service()) as service:
            await service.process(from_caller(world.noted(1), low), from_caller(world.noted(2, "other"), high))
            headers = await service.headers()
            spans = await service.spans()
        assert [each["traceparent"][-2:] for each in headers] == ["01", "00"]
        assert {span.trace for span in spans} == {followed(low)[0]}

    async def test_nothing_that_comes_from_outside_stands_on_a_span(self, world: World, collector: Collector) -> None:
        sample, topic = world.sample, world.sample.edge.name("one")
        good = record(topic, SECRET, Noted(number=1, words=SECRET), event_id=SECRET, source=SECRET, subject=SECRET)
        outside = (("tracestate", f"vendor={SECRET}".encode()), ("baggage", f"name={SECRET}".encode()), (SECRET, b"x"))
        bad = raw_record(topic, SECRET, [("ce_id", SECRET.encode()), ("traceparent", CALLER.encode())], SECRET.encode())
        async with traced(world, collector, sample.service()) as service:
            await service.process(carrying(from_caller(good), *outside), bad)
            headers = await service.headers()
            processed = named(await service.spans(), "process")
        assert [span.values["conduit.outcome"] for span in processed] == ["handled", "refused"]
        assert {span.parent for span in processed} == {SPAN}
        assert {span.values["messaging.destination.template"] for span in processed} == {sample.edge.template}
        raw = b"".join(collector.bodies)
        assert [text for text in (SECRET, topic) if text.encode() in raw] == []
        assert [name for each in headers for name in each if name in ("tracestate", "baggage")] == []

    async def test_one_that_fails_says_by_which_class_and_not_a_word_of_the_error(
        self, world: World, collector: Collector
    ) -> None:
        async with traced(world, collector, world.sample.service()) as service:
            await service.process(world.noted(1), world.noted(2, "other", action="fail", words=SECRET))
            spans = {span.values["messaging.kafka.offset"]: span for span in named(await service.spans(), "process")}
            created = named(collector.received, "create")
        good, bad = (spans[offset] for offset in sorted(spans))
        assert (good.values["conduit.outcome"], good.failed) == ("handled", False)
        assert (bad.values["conduit.outcome"], bad.failed) == ("dead_letter", True)
        assert bad.values["error.type"] == "services.chassis.tests.sample.FixableError"
        assert SECRET.encode() not in b"".join(collector.bodies)
        assert [span.parent for span in created] == [good.id]

    async def test_delivered_again_it_is_a_duplicate_and_publishes_nothing(self, world: World, collector: Collector) -> None:
        given = world.noted(1)
        async with traced(world, collector, world.sample.service()) as service:
            await service.process(given)
            await service.process(given)
            spans = await service.spans()
        assert [span.values["conduit.outcome"] for span in named(spans, "process")] == ["handled", "duplicate"]
        assert len(named(spans, "create")) == 1

    async def test_what_is_rolled_back_was_never_created(self, world: World, collector: Collector) -> None:
        failures = iter([ConnectionResetError()])

        async def handle(_connection: Any, batch: Any, outbox: Outbox) -> None:
            outbox.publish(world.sample.out.template, "k", Kept(number=1), cause=batch[0].attributes)
            for error in failures:
                raise error

        async with traced(world, collector, world.sample.service(handle)) as service:
            await service.process(world.noted(1))
            (header,) = await service.headers()
            process, create = sorted(await service.spans(), key=lambda span: span.operation, reverse=True)
        assert process.events == ("conduit.batch.retried",)
        assert (create.parent, followed(header["traceparent"])[1]) == (process.id, create.id)


class TestAcross:
    """Across processes, and across days."""

    async def test_a_crash_between_the_commit_and_kafka_does_not_break_the_trace(
        self, world: World, collector: Collector
    ) -> None:
        await world.create_all()
        sample = world.sample
        async with traced(world, collector, sample.service()) as crashed:
            await crashed.process(from_caller(world.noted(1)))
        async with world.running():
            await asyncio.to_thread(collector.wait_for, lambda spans: named(spans, "send"), "the event's sending")
        (create,), (send,) = named(collector.received, "create"), named(collector.received, "send")
        (sent,) = await world.read(sample.out.template)
        assert followed(dict(sent.headers)["traceparent"].decode()) == (TRACE, create.id)
        assert (send.kind, send.trace, send.parent, send.links) == ("CLIENT", TRACE, create.id, ((TRACE, create.id),))
        assert send.values["conduit.outbox.waited_seconds"] > 0
        assert send.values["messaging.destination.partition.id"] == str(sent.partition)

    async def test_an_event_in_another_trace_points_to_the_first_about_the_same_referral(
        self, world: World, collector: Collector
    ) -> None:
        subject, later = str(uuid4()), f"00-{'7' * 32}-{'7' * 16}-01"
        given = record(world.sample.inside.template, "k", Noted(number=1), subject=subject)
        async with traced(world, collector, world.sample.service(about_its_subject(world.sample))) as before:
            await before.process(from_caller(given))
            await before.process(from_caller(record(given.topic, "k", Noted(number=2), subject=subject)))
        async with traced(world, collector, world.sample.service(about_its_subject(world.sample))) as after:
            await after.process(from_caller(record(given.topic, "k", Noted(number=3), subject=subject), later))
            await after.spans()
        first, second, third = named(collector.received, "create")
        assert (first.trace, second.trace, third.trace) == (TRACE, TRACE, "7" * 32)
        assert (first.links, second.links, third.links) == ((), (), ((TRACE, first.id),))

    async def test_where_traces_began_is_forgotten_with_the_inbox(self, world: World, collector: Collector) -> None:
        async with traced(world, collector, world.sample.service(about_its_subject(world.sample))) as service:
            given = record(world.sample.inside.template, "k", Noted(number=1), subject=str(uuid4()))
            await service.process(given)
            (tick,) = service.tracing.ticks
            kept = await service.runtime.pool.fetchval("SELECT count(*) FROM trace_origins")
            clock: Any = service.runtime.clock
            assert await run_tick(service.runtime, tick) == 0
            clock.advance(service.runtime.inbox_retention + timedelta(days=3_650))
            assert (kept, await run_tick(service.runtime, tick)) == (1, 1)


def about_its_subject(sample: Sample) -> Any:
    async def handle(_connection: Any, batch: list[Incoming], outbox: Outbox) -> None:
        for each in batch:
            if isinstance(each, Delivery):
                cause = each.attributes
                outbox.publish(sample.out.template, "k", Kept(number=1), subject=cause.subject, cause=cause)

    return handle


@asynccontextmanager
async def asking(status: int | Exception) -> AsyncIterator[tuple[httpx.AsyncClient, list[Any]]]:
    heard: list[Any] = []
    made = tracing.for_service("sample")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        heard.append(dict(scope["headers"]))
        if isinstance(status, Exception):
            raise status
        await PlainTextResponse("answer", status)(scope, receive, send)

    transport = httpx.ASGITransport(made.serve("/v1", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub.example") as client:
        yield client, heard
    await made.end()


class TestARequest:
    async def test_the_application_sees_the_servers_span_as_its_callers(self, collector: Collector) -> None:
        async with asking(200) as (client, heard):
            await client.get("/v1/x", headers={"traceparent": CALLER, "tracestate": f"vendor={SECRET}"})
        (span,) = collector.received
        assert (span.kind, span.trace, span.parent) == ("SERVER", TRACE, SPAN)
        assert followed(heard[0][b"traceparent"].decode()) == (TRACE, span.id)
        assert b"tracestate" not in heard[0]

    async def test_neither_path_nor_query_nor_header_nor_odd_method_stands_on_it(self, collector: Collector) -> None:
        async with asking(404) as (client, _):
            await client.request("SECRETLY", f"/v1/{SECRET}?q={SECRET}", headers={"user-agent": SECRET})
        (span,) = collector.received
        assert (span.name, span.failed) == ("HTTP /v1", False)
        assert span.values == {
            "http.request.method": "_OTHER",
            "http.route": "/v1",
            "http.response.status_code": 404,
            "url.scheme": "http",
        }
        raw = b"".join(collector.bodies)
        assert [text for text in (b"SECRETLY", b"Nobody", b"hub.example") if text in raw] == []

    async def test_an_error_of_ours_marks_it_failed(self, collector: Collector) -> None:
        async with asking(503) as (client, _):
            await client.get("/v1")
        async with asking(ValueError(SECRET)) as (client, _):
            with pytest.raises(ValueError, match=SECRET):
                await client.get("/v1")
        assert [(span.failed, span.values["error.type"]) for span in collector.received] == [
            (True, "503"),
            (True, "ValueError"),
        ]
        assert SECRET.encode() not in b"".join(collector.bodies)


class TestSwitchedOff:
    def test_without_variables_nobody_watches_and_no_sdk_is_loaded(self) -> None:
        look = (
            "import sys; from conduit_chassis import app, tracing; "
            "assert tracing.for_service('x', {}) == tracing.Tracing(); "
            "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
        )
        done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)  # noqa: S603
        assert done.stdout.strip() == "[]"

    @pytest.mark.parametrize("on", [True, False])
    async def test_a_running_service_has_an_exporter_only_if_it_is_asked_for(
        self, world: World, collector: Collector, monkeypatch: pytest.MonkeyPatch, on: bool
    ) -> None:
        await world.create_all()
        if not on:
            for name in collector.environment:
                monkeypatch.delenv(name)
        async with world.running():
            await world.send(from_caller(world.noted(1)))
            (sent,) = await eventually(lambda: world.read(world.sample.out.template), "the event")
            threads = exporters()
        assert (len(threads), bool(collector.bodies)) == ((1, True) if on else (0, False))
        assert followed(dict(sent.headers)["traceparent"].decode())[0] == TRACE

    @pytest.mark.parametrize(
        ("environ", "on"),
        [
            ({}, False),
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
            ({"OTEL_SERVICE_NAME": "x", "OTEL_TRACES_SAMPLER": "always_on"}, False),
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": NO_COLLECTOR}, True),
            ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": NO_COLLECTOR}, True),
            ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": NO_COLLECTOR, "OTEL_TRACES_EXPORTER": "none"}, False),
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": NO_COLLECTOR, "OTEL_SDK_DISABLED": "true"}, False),
        ],
    )
    def test_the_standard_variables_say_whether(self, environ: dict[str, str], on: bool) -> None:
        assert tracing.asked_for(environ) is on

    @pytest.mark.parametrize(
        ("name", "value"), [("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]
    )
    def test_what_there_is_not_is_refused_at_the_start(self, name: str, value: str) -> None:
        with pytest.raises(ConfigurationError, match=name):
            tracing.asked_for({"OTEL_EXPORTER_OTLP_ENDPOINT": NO_COLLECTOR, name: value})


async def test_a_collector_that_is_away_delays_neither_records_nor_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", NO_COLLECTOR)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    await world.create_all()
    async with world.running() as running:
        await world.send(world.noted(1))
        await world.wait_for_numbers(1, seconds=5)
        began = monotonic()
        assert await running.end() == 0
    assert monotonic() - began < 8

    async def ended() -> bool:
        return not exporters()

    await eventually(ended, "the exporter's end")  # it may still log


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_SERVICE_NAME", "chosen"), ("OTEL_RESOURCE_ATTRIBUTES", "service.name=chosen")]
)
async def test_the_environment_names_the_service_where_it_says_so(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    async with asking(200) as (client, _):
        await client.get("/v1")
    assert [span.service for span in collector.received] == ["chosen"]
