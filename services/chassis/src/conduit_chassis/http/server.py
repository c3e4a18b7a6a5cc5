"""The service's HTTP server: liveness, readiness, metrics, documents, and the service's own routes."""

import socket
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager

import uvicorn
from prometheus_client import make_asgi_app
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from conduit_chassis.errors import ConfigurationError
from conduit_chassis.health import Health
from conduit_chassis.http.documents import redirect
from conduit_chassis.http.requests import NO_ROUTE, measured
from conduit_chassis.settings import Settings


class Router:
    """Finds the application of a path: the chassis' own first, then the longest matching prefix.

    Requests are counted by path or prefix. An application that serves everything counts its own, by its templates.
    """

    def __init__(self, health: Health, own_asyncapi: ASGIApp, docs: Mapping[str, ASGIApp]) -> None:
        exact: dict[str, ASGIApp] = {
            **docs,
            "/livez": _check(health.not_alive),
            "/readyz": _check(health.not_ready),
            "/metrics": make_asgi_app(),
            "/asyncapi": redirect("docs/asyncapi"),
            "/asyncapi.json": own_asyncapi,
        }
        self._exact = {path: measured(app, path) for path, app in exact.items()}
        self._prefixes: list[tuple[str, ASGIApp]] | None = None
        self._health = health

    def serve(self, routes: Sequence[tuple[str, ASGIApp]]) -> None:
        """Serve the service's routes from now on."""
        counted = ((prefix, app if prefix == "/" else measured(app, prefix)) for prefix, app in routes)
        self._prefixes = sorted(counted, key=lambda route: -len(route[0]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return
        path = scope["path"]
        if path == "/metrics":
            self._health.not_ready()
        app = self._exact.get(path) or self._find(path)
        await app(scope, receive, send)

    def _find(self, path: str) -> ASGIApp:
        for prefix, app in self._prefixes or ():
            if path == prefix or path.startswith(prefix if prefix.endswith("/") else prefix + "/"):
                return app
        return _NOT_YET if self._prefixes is None else _NOT_FOUND


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: the service drains in an order of its own."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the service."""
        yield


def listen(settings: Settings) -> socket.socket:
    """The listening socket; uvicorn would leave the process at once where it cannot have one.

    Raises:
        ConfigurationError: the address cannot be used.
    """
    try:
        return socket.create_server((settings.http_host, settings.http_port))
    except OSError as error:
        raise ConfigurationError(f"HTTP_HOST and HTTP_PORT cannot be used: {error.strerror}") from None


class _Protocol(H11Protocol):
    """HTTP/1.1. A client that would rather speak HTTP/2 gets 1.1, as the standard has it, and no log need say so."""

    def _unsupported_upgrade_warning(self) -> None:
        """Java's client asks for h2c with each new connection."""


def create_server(settings: Settings, app: Router) -> Server:
    """A server on the configured address that logs through the service's pipeline."""
    config = uvicorn.Config(
        app,
        host=settings.http_host,
        port=settings.http_port,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.drain_seconds) or 1,
    )
    return Server(config)


def _check(problems: Callable[[], list[str]]) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        found = problems()
        await PlainTextResponse("\n".join(found) or "ok", 503 if found else 200)(scope, receive, send)

    return answer


_NOT_FOUND = measured(PlainTextResponse("not found", 404), NO_ROUTE)
_NOT_YET = measured(PlainTextResponse("starting", 503), NO_ROUTE)
