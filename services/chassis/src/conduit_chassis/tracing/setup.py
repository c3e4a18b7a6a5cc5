"""The exporter and the sampler, as the environment has them, and the observers that use them.

No provider is made the process's own: libraries that bring spans of theirs, FastAPI among them, would put paths, statements
and addresses on them.
"""

import asyncio
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.semconv.schemas import Schemas
from starlette.types import ASGIApp

from conduit_chassis.observers import Observers
from conduit_chassis.tracing import Tracing
from conduit_chassis.tracing.consume import TracedBatches
from conduit_chassis.tracing.publish import FORGET_ORIGINS, TracedEvents
from conduit_chassis.tracing.send import TracedSends
from conduit_chassis.tracing.serve import TracedApp
from conduit_chassis.tracing.spans import Spans

END_SECONDS = 3.0
"""What the drain grants to spans, for they are only spans."""


def start(service: str, environ: Mapping[str, str]) -> Tracing:
    """Tracing that sends spans to the collector that the environment names."""
    exporter = OTLPSpanExporter()
    processor = BatchSpanProcessor(exporter)
    made = traced(service, processor, environ)

    async def end() -> None:
        # The processor waits half a minute for a collector that does not answer, in a call that cannot be cut short.
        ended, loop = asyncio.Event(), asyncio.get_running_loop()
        threading.Thread(target=_shut, args=(processor, loop, ended), daemon=True).start()
        try:
            async with asyncio.timeout(END_SECONDS):
                await ended.wait()
        except TimeoutError:
            exporter.shutdown()  # type: ignore[no-untyped-call]  # it bears no types

    return replace(made, end=end)


def _shut(processor: SpanProcessor, loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    processor.shutdown()
    with suppress(RuntimeError):  # nobody waits any more
        loop.call_soon_threadsafe(ended.set)


def traced(service: str, processor: SpanProcessor, environ: Mapping[str, str]) -> Tracing:
    """Tracing that gives its spans to this processor."""
    # `atexit` would wait for the collector once more.
    provider = TracerProvider(resource=_resource(service, environ), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("conduit", schema_url=Schemas.V1_41_0.value)
    spans = Spans(tracer, service)

    def serve(prefix: str, app: ASGIApp) -> ASGIApp:
        return TracedApp(app, prefix, tracer)

    return Tracing(
        Observers(TracedBatches(spans), lambda: TracedEvents(spans), TracedSends(spans)),
        serve=serve,
        ticks=(FORGET_ORIGINS,),
    )


def _resource(service: str, environ: Mapping[str, str]) -> Resource:
    """Who sends the spans: what the environment says, and the service's own name where it says none."""
    given = Resource.create()
    own = {"service.instance.id": str(uuid4()), "service.namespace": "conduit"}
    if not environ.get("OTEL_SERVICE_NAME") and "service.name" not in environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        given = given.merge(Resource({"service.name": f"conduit-{service}"}))
    return Resource(own).merge(given)
