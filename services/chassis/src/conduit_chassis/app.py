"""Runs a service: start here.

Order of start: HTTP, database, migrations, relay, ticks and workers, consumer. Order of drain: not ready, HTTP, ticks and
workers, consumer between batches, relay until the outbox is empty, database.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import Coroutine
from functools import cache
from time import monotonic
from typing import Any

import asyncpg
import structlog
import uvloop
from aiokafka.errors import KafkaConnectionError, KafkaError
from pydantic import ValidationError

from conduit_chassis import log, metrics, migrate, postgres, preflight, tracing
from conduit_chassis.backoff import jittered
from conduit_chassis.batch import Processor
from conduit_chassis.begun import Marks
from conduit_chassis.broker import LoopSubscriber, create_broker, create_docs, lookout_consumer, subscribe
from conduit_chassis.clock import Clock, DatabaseClock
from conduit_chassis.consumer.ahead import Ahead
from conduit_chassis.consumer.lookout import Lookout
from conduit_chassis.consumer.loop import Loop, Timing
from conduit_chassis.consumer.measured import ConsumerMetrics
from conduit_chassis.database_watch import keep_watching
from conduit_chassis.errors import ConfigurationError, FailureCause, TooManyDeadLettersError, class_name, classify
from conduit_chassis.health import Health
from conduit_chassis.http.documents import documents
from conduit_chassis.http.server import Router, create_server, listen
from conduit_chassis.measured import measured
from conduit_chassis.periodic import (
    FORGET_INBOX,
    GAUGE_SECONDS,
    database_gauges,
    keep_gauges,
    keep_ticking,
    keep_working,
)
from conduit_chassis.producer import Producer
from conduit_chassis.records import Reader, says_danger
from conduit_chassis.relay import Relay
from conduit_chassis.runtime import Runtime, Service, Tick, Worker, no_routes
from conduit_chassis.settings import Settings
from conduit_chassis.trust import Trust

__all__ = ["Runtime", "Service", "Tick", "Worker", "no_routes", "run", "serve"]

_log = structlog.get_logger()

EXIT_OK, EXIT_FAILED, EXIT_CONFIGURATION = 0, 1, 2


def run(service: Service[Any]) -> None:
    """Run a service until SIGTERM or SIGINT, and exit with a status that says how it ended."""
    spare_the_collector()
    sys.exit(uvloop.run(_main(service)))


def spare_the_collector() -> None:
    """A batch is thousands of live objects without cycles. At Python's default thresholds collections look through all of
    them again and again, which doubled the time that reading a batch takes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


async def _main(service: Service[Any]) -> int:
    try:
        settings = service.settings()
    except ValidationError as error:
        for detail in error.errors(include_input=False, include_url=False, include_context=False):
            _complain(f"{'.'.join(map(str, detail['loc'])).upper()}: {detail['msg']}")
        return EXIT_CONFIGURATION
    log.configure(service.name, settings.log_level)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return await serve(service, settings, stop)


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")


async def serve(service: Service[Any], settings: Settings, stop: asyncio.Event, clock: Clock | None = None) -> int:
    """Run a service until `stop` is set; returns the exit status."""
    try:
        running = _Running(service, settings, clock or DatabaseClock(), tracing.for_service(service.name))
        return await running.until(stop)
    except ConfigurationError as error:
        _complain(str(error))
        _log.critical("configuration_unusable", exc_info=error)
        return EXIT_CONFIGURATION
    except TooManyDeadLettersError as error:
        _complain(f"{service.name} stops: {error}. Offsets are not committed past them; see the dead-letter runbook.")
        _log.critical("stopped_by_dead_letters", exc_info=error)
        return EXIT_FAILED
    except Exception as error:  # the last resort: say where it broke without its text, and exit
        _log.critical("service_failed", exc_info=error)
        return EXIT_FAILED


class _Running:
    """The parts of one running service."""

    def __init__(self, service: Service[Any], settings: Settings, clock: Clock, traced: tracing.Tracing) -> None:
        self.service = service
        self.tracing = traced
        self.settings = settings
        self.clock = clock
        self.health = Health(stall_seconds=settings.stall_seconds, dead_seconds=settings.dead_seconds)
        self.topics = service.reads()
        self.trust = Trust(settings, clock, service.name) if any(topic.signed for topic in self.topics) else None
        self.reader = Reader(service.name, self.topics, service.readers, self.trust.verifier if self.trust else None)
        self.broker = create_broker(settings, service.name)
        self.subscriber = self._subscribe()
        self.loop: Loop | None = None
        self.lookout: asyncio.Task[None] | None = None
        self.router = Router(self.health, create_docs(self.broker, service.name), documents(settings.docs_dir))
        self.server = create_server(settings, self.router)
        self.relays: list[Relay] = []

    def _subscribe(self) -> LoopSubscriber | None:
        if not self.topics:
            return None
        return subscribe(self.broker, self.settings, self.service.name, self.topics, self.reader.pattern)

    async def until(self, stop: asyncio.Event) -> int:
        """Start, wait for the end, drain."""
        http = asyncio.create_task(self.server.serve(sockets=[listen(self.settings)]))
        stopped = asyncio.create_task(stop.wait())
        try:
            await self._work(stopped, http)
        finally:
            stopped.cancel()
            self.server.should_exit = True
            await asyncio.gather(http, stopped, return_exceptions=True)
            await self.tracing.end()
        return EXIT_OK

    async def _work(self, stopped: asyncio.Task[bool], http: asyncio.Task[None]) -> None:
        pool = await self._first(stopped, self._open_database())
        if pool is None:
            return
        observers = measured(self.tracing.observers)
        runtime = Runtime(self.service, self.settings, pool, self.clock, self.health, observers)
        background: list[asyncio.Task[None]] = []
        relays: list[asyncio.Task[None]] = []
        try:
            runtime.start()
            background += [asyncio.create_task(each) for each in self._background(runtime)]
            relays += self._start_relays(runtime)
            self.router.serve([(prefix, self.tracing.serve(prefix, app)) for prefix, app in self.service.routes(runtime)])
            if self.subscriber is None or await self._first(stopped, self._start_consumer(runtime, self.subscriber)):
                if self.subscriber is None:
                    self.health.started("consumer")
                _log.info("service_started", service=self.service.name)
                await self._wait(stopped, relays)
        finally:
            self.health.draining = True
            self.server.should_exit = True
            await _cancel([*background, *([self.lookout] if self.lookout else [])])
            await self._stop_consumer()
            # What a request still commits is to be sent, too.
            await asyncio.wait({http}, timeout=self.settings.drain_seconds)
            await self._stop_relays(relays)
            await postgres.close_pool(runtime.pool)
            _log.info("service_stopped", service=self.service.name)

    async def _first(self, stopped: asyncio.Task[bool], work: Coroutine[Any, Any, Any]) -> Any:
        """The work's result, or None where the service is stopped before."""
        task = asyncio.create_task(work)
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return None

    async def _open_database(self) -> Any:
        schemas = preflight.schemas_of(self.service.migrations)
        await self._patiently("database", lambda: preflight.examine(self.settings, self.service.name, schemas))
        await self._patiently("database", self._migrate)
        pool = await self._patiently("database", lambda: postgres.create_pool(self.settings, self.service.name))
        if isinstance(self.clock, DatabaseClock):
            clock = self.clock
            await self._patiently("database", lambda: clock.look(pool))
        self.health.started("database")
        return pool

    async def _migrate(self) -> None:
        arguments = self.settings.postgres_arguments()
        applied = await asyncio.to_thread(
            migrate.migrate,
            arguments["dsn"],
            *self.service.brought,
            self.service.migrations,
            password=arguments.get("password"),
            lock_timeout_ms=self.settings.lock_timeout_ms,
            statement_timeout_ms=self.settings.migration_statement_timeout_ms,
        )
        for name in applied:
            _log.info("migrated", migration=name)

    async def _patiently(self, part: str, attempt: Any) -> Any:
        """Try to start something until its neighbour answers."""
        tries = 0
        while True:
            try:
                result = await attempt()
            except (KafkaError, OSError, asyncpg.PostgresError, migrate.UNREACHABLE) as error:
                if isinstance(error, asyncpg.PostgresError) and classify(error) is FailureCause.POISON:
                    raise
                tries += 1
                cause = await preflight.kafka_says(self.settings) if isinstance(error, KafkaConnectionError) else None
                self.health.failing(part, class_name(cause or error))
                if tries in (1, 3) or tries % 10 == 0:
                    reason = preflight.why(cause or error)
                    _log.warning("not_reachable", name=part, reason=reason, attempt=tries, exc_info=error)
                await asyncio.sleep(jittered(tries))
            else:
                self.health.recovered(part)
                return result

    def _background(self, runtime: Runtime) -> list[Coroutine[Any, Any, None]]:
        ticks = (*self.service.ticks, FORGET_INBOX, *self.tracing.ticks)
        return [
            *(keep_ticking(runtime, tick) for tick in ticks),
            *(keep_working(runtime, worker) for worker in self.service.workers),
            *([self.trust.run()] if self.trust else []),
            keep_watching(runtime.pool, self.health),
            keep_gauges(runtime, database_gauges(runtime), "database figures"),
            keep_gauges(runtime, self._measure_lag, "lag", runtime.settings.lag_every_seconds),
        ]

    def _start_relays(self, runtime: Runtime) -> list[asyncio.Task[None]]:
        shards = range(self.settings.outbox_shards)
        settings, name, sends = self.settings, self.service.name, runtime.observers.sends
        self.relays = [
            Relay(settings, name, shard, self.health, lambda: Producer(settings, name, sends)) for shard in shards
        ]
        runtime.wake_relay = self._wake_relays
        return [asyncio.create_task(relay.run()) for relay in self.relays]

    def _wake_relays(self) -> None:
        for relay in self.relays:
            relay.wake()

    async def _start_consumer(self, runtime: Runtime, subscriber: LoopSubscriber) -> bool:
        settings, began = self.settings, monotonic()
        metrics.FETCH_SILENT.set_function(lambda: monotonic() - (subscriber.answered_at or began))
        processor = Processor(runtime, self.reader)
        await self._patiently("consumer", lambda: preflight.examine_kafka(settings))
        await self._patiently("consumer", processor.remember)
        if self.trust is not None:
            await self.trust.settle()
        ahead = Ahead(says_danger, self.reader.sender)
        observer = ConsumerMetrics(self.reader)
        self.loop = Loop(processor, self.reader, self.health, Timing.of(settings), observer, ahead)
        subscriber.bind(self.loop)
        await self._patiently("consumer", self.broker.start)
        if self.service.ahead:
            self.lookout = asyncio.create_task(self._look_ahead(runtime, self.loop, ahead))
        return True

    async def _look_ahead(self, runtime: Runtime, loop: Loop, ahead: Ahead) -> None:
        # What is under way at once has marks of its own.
        danger, few = (Processor(runtime, self.reader, Marks(name)) for name in ("danger", "few"))
        for processor in (danger, few):
            await self._patiently("consumer", processor.remember)
        lookout = Lookout(
            lambda: lookout_consumer(self.settings, self.service.name),
            danger.process,
            few.process,
            loop,
            ahead,
            runtime.haste,
            cache(lambda name: any(topic.match(name) is not None for topic in self.service.ahead)),
        )
        try:
            await lookout.run()
        except TooManyDeadLettersError as error:
            if not loop.failed.done():
                loop.failed.set_exception(error)

    async def _measure_lag(self) -> None:
        if self.loop is not None:
            async with asyncio.timeout(GAUGE_SECONDS):
                await self.loop.measure_lag()

    async def _wait(self, stopped: asyncio.Task[bool], relays: list[asyncio.Task[None]]) -> None:
        watched: set[Any] = {stopped, *relays}
        if self.loop is not None:
            watched.add(self.loop.failed)
        done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            error = task.exception()
            if error is not None:
                self.health.fatal(class_name(error))
                raise error

    async def _stop_consumer(self) -> None:
        try:
            await self.broker.stop()
        except Exception as error:  # the rest of the drain matters more
            _log.warning("consumer_not_stopped", exc_info=error)

    async def _stop_relays(self, tasks: list[asyncio.Task[None]]) -> None:
        for relay in self.relays:
            relay.drain()
        if tasks:
            await asyncio.wait(tasks, timeout=self.settings.drain_seconds)
        await _cancel(tasks)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
