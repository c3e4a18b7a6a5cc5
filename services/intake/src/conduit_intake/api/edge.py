"""What happens around every request: a correlation id, HEAD, headers that are always there, metrics, and the last resort."""

import re
from time import perf_counter
from typing import Any
from uuid import uuid4

import structlog
from starlette.types import ASGIApp

from conduit_chassis.errors import FailureCause, classify
from conduit_chassis.http.requests import method_label, observe
from conduit_intake.api.paths import Paths
from conduit_intake.api.refusals import Refused, response

RECEIVE = "conduit.receive"
"""Where a request's scope has the way to its body, for whoever is handed the scope alone."""
CORRELATION = "X-Correlation-Id"
LONGEST_CORRELATION = 64
_SANE = re.compile(rf"[A-Za-z0-9._-]{{1,{LONGEST_CORRELATION}}}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ALWAYS = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
_log = structlog.get_logger()


class Edge:
    """Wraps the API."""

    def __init__(self, app: ASGIApp, paths: Paths) -> None:
        self._app = app
        self._paths = paths

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        exchange = _Exchange(scope, send)
        template, method = self._paths.template(scope["path"]), method_label(scope["method"])
        started = perf_counter()
        scope[RECEIVE] = receive  # in this very scope: whoever stands outside reads the route that the router puts there
        # Reading the head is reading without the body, which the exchange leaves out.
        inner = scope | {"method": "GET"} if scope["method"] == "HEAD" else scope
        try:
            await self._app(inner, receive, exchange.send)
        except Exception as error:  # the last resort: an answer without a word of the error
            _log.error("request_failed", method=method, path=template, exc_info=error, **exchange.loggable())
            if not exchange.status:
                await response(failure(error))(scope, receive, exchange.send)
        observe(method, template, exchange.status, started)


class _Exchange:
    """One answer on its way out."""

    def __init__(self, scope: Any, send: Any) -> None:
        self.status = 0
        self._head = scope["method"] == "HEAD"
        self._send = send
        self._correlation_id = correlation_id(scope["headers"])
        self._headers = [(CORRELATION.lower().encode(), self._correlation_id.encode()), *_ALWAYS]

    def loggable(self) -> dict[str, str]:
        """The correlation id where it is a UUID, as ours are: a caller's own might be somebody's name."""
        return {"correlation_id": self._correlation_id} if _UUID.fullmatch(self._correlation_id) else {}

    async def send(self, message: Any) -> None:
        """Pass on a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = message | {"headers": [*message["headers"], *self._headers]}
        elif self._head:
            message = message | {"body": b""}
        await self._send(message)


def failure(error: Exception) -> Refused:
    """What a caller is told of an error of ours: not a word of it, but whether the surroundings or the code is to blame."""
    if classify(error) is FailureCause.POISON:
        return Refused("internal_error")
    return Refused("unavailable", headers={"Retry-After": "5"})


def correlation_id(headers: list[tuple[bytes, bytes]]) -> str:
    """The caller's, where it has at most 64 letters, digits, dots, hyphens and underscores; else a new one."""
    given = [value for name, value in headers if name == CORRELATION.lower().encode()]
    text = given[0].decode("latin-1") if len(given) == 1 else ""
    return text if _SANE.fullmatch(text) else str(uuid4())
