"""Methods of HTTP: HEAD is answered as GET without a body (RFC 9110, 9.3.2), and what a page does not take is said so."""

from collections.abc import Iterable

from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """Around an application whose routes know GET alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ends the answer after its headers. Whatever would go on sending, as a stream does, hears that nobody listens."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        ended = False

        async def receive_until_ended() -> Message:
            return {"type": "http.disconnect"} if ended else await receive()

        async def send_headers(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                ended = True

        await self._app({**scope, "method": "GET"}, receive_until_ended, send_headers)


def allowed(routes: Iterable[Route], scope: Scope) -> str:
    """What the header `Allow` says of this address: the methods of all routes that have it."""
    found = {method for route in routes if route.matches(scope)[0] is not Match.NONE for method in route.methods or ()}
    return ", ".join(sorted(found | ({"HEAD"} if "GET" in found else set()))) or "GET, HEAD"
