"""Counts and times requests by route template, so that no path that a caller made up becomes a label."""

from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conduit_chassis import metrics

NO_ROUTE = "none"
_KNOWN = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def method_label(method: str) -> str:
    """A method for a metric: what a client invents is one value."""
    return method if method in _KNOWN else "other"


def observe(method: str, route: str, status: int, started: float) -> None:
    """Count an answered request that began at `started` by `perf_counter`."""
    metrics.HTTP_REQUESTS.labels(method, route, status).inc()
    metrics.HTTP_SECONDS.labels(method, route).observe(perf_counter() - started)


def measured(app: ASGIApp, route: str) -> ASGIApp:
    """The application, with its requests counted under this route. One that fails counts as 500, as uvicorn answers."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        status, started = 500, perf_counter()

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await app(scope, receive, note)
        finally:
            observe(method_label(scope["method"]), route, status, started)

    return call
