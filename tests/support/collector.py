"""A collector on the loopback address: takes OTLP over HTTP as it comes, and keeps the spans and the raw bytes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2


@dataclass(frozen=True)
class Seen:
    """A span as it was received. Ids are hexadecimal; `parent` is empty for a root."""

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    values: Mapping[str, Any]
    links: tuple[tuple[str, str], ...]
    """Pairs of trace and span."""
    events: tuple[str, ...]
    failed: bool
    began: int
    ended: int

    @property
    def operation(self) -> str:
        """The first word of its name."""
        return self.name.partition(" ")[0]


@dataclass
class Collector:
    """`received` spans in the order of their coming, and every request's `bodies`."""

    url: str = ""
    received: list[Seen] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    _come: threading.Condition = field(default_factory=threading.Condition)

    @property
    def environment(self) -> dict[str, str]:
        """What switches tracing on, and lets spans come soon."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}

    def take(self, body: bytes) -> None:
        """Keep one request."""
        found = list(_spans(ExportTraceServiceRequest.FromString(body)))
        with self._come:
            self.bodies.append(body)
            self.received += found
            self._come.notify_all()

    def of(self, trace: str) -> list[Seen]:
        """The spans of one trace."""
        with self._come:
            return [span for span in self.received if span.trace == trace]

    def wait_for(self, check: Callable[[Sequence[Seen]], Any], what: str, seconds: float = 60) -> Any:
        """What `check` finds in the spans, as soon as it finds something. It blocks: a running loop calls it in a thread."""
        until = time.monotonic() + seconds
        with self._come:
            while not (found := check(self.received)):
                left = until - time.monotonic()
                names = sorted({f"{span.service}: {span.name}" for span in self.received})
                assert left > 0, f"not within {seconds} s: {what}; there are {names}"
                self._come.wait(left)
            return found


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that runs within the block."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            known = self.path == "/v1/traces" and self.headers["content-type"] == "application/x-protobuf"
            if known:
                collector.take(body)
            self.send_response(200 if known else 400)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def _spans(request: ExportTraceServiceRequest) -> Iterator[Seen]:
    for resource in request.resource_spans:
        service = _values(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Seen(
                    service=service,
                    name=span.name,
                    kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    values=_values(span.attributes),
                    links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
                    events=tuple(event.name for event in span.events),
                    failed=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
                    began=span.start_time_unix_nano,
                    ended=span.end_time_unix_nano,
                )


def _values(attributes: Sequence[KeyValue]) -> dict[str, Any]:
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in attributes}
