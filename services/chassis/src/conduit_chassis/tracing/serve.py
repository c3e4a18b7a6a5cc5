"""A span for each request to a service's own routes, after OpenTelemetry's conventions for HTTP servers.

A route stands on it, never a path, a query, an address or a header: those name referrals and people. The application sees
the span as its caller's trace.
"""

from typing import Any

from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)
from opentelemetry.semconv.attributes.url_attributes import URL_SCHEME
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from starlette.types import ASGIApp

from conduit_chassis.errors import class_name
from conduit_chassis.tracing.spans import fail, parent_of, traceparent_of

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})
_CONTEXT = (b"traceparent", b"tracestate")


class TracedApp:
    """Wraps the application under a prefix."""

    def __init__(self, app: ASGIApp, prefix: str, tracer: Tracer) -> None:
        self._app = app
        self._prefix = prefix
        self._tracer = tracer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        values = {HTTP_REQUEST_METHOD: method, URL_SCHEME: scope.get("scheme", "http")}
        span = self._tracer.start_span(
            _named(method), parent_of(_carried(scope)), SpanKind.SERVER, values, record_exception=False
        )
        inner = scope | {"headers": [*_others(scope), (b"traceparent", traceparent_of(span).encode())]}
        try:
            await self._app(inner, receive, _watching(span, send))
        except BaseException as error:
            fail(span, class_name(error))
            raise
        finally:
            # Only the router under the application knows which of its routes it was.
            route = getattr(inner.get("route"), "path", None) or self._prefix
            span.update_name(f"{_named(method)} {route}")
            span.set_attribute(HTTP_ROUTE, route)
            span.end()


def _named(method: str) -> str:
    return "HTTP" if method == "_OTHER" else method


def _carried(scope: Any) -> str | None:
    found = [value for name, value in scope["headers"] if name == b"traceparent"]
    return found[0].decode("latin-1") if len(found) == 1 else None


def _others(scope: Any) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in scope["headers"] if name not in _CONTEXT]


def _watching(span: Span, send: Any) -> Any:
    async def watch(message: Any) -> None:
        if message["type"] == "http.response.start":
            status = message["status"]
            span.set_attribute(HTTP_RESPONSE_STATUS_CODE, status)
            if status >= 500:
                span.set_attribute(ERROR_TYPE, str(status))
                span.set_status(Status(StatusCode.ERROR))
        await send(message)

    return watch
