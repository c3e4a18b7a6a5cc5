"""What a request says, as far as it can be kept: PostgreSQL takes no NUL, so no route meets one.

A NUL becomes U+FFFD, as bytes that are no UTF-8 do: what was asked for is then nothing that there is, and is never taken for
less than was asked. What somebody wrote stays, with a sign in it that says that one could not be read.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

UNREADABLE = "\ufffd"
_IN_A_QUERY = b"%EF%BF%BD"


class ReadableAddress:
    """Around an application whose routes read paths and queries."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands the request on, with an address that can be kept."""
        if scope["type"] == "http":
            query = scope["query_string"].replace(b"\0", _IN_A_QUERY).replace(b"%00", _IN_A_QUERY)
            scope = {**scope, "path": without_nul(scope["path"]), "query_string": query}
        await self._app(scope, receive, send)


def without_nul(text: str) -> str:
    """The text as it can be kept."""
    return text.replace("\0", UNREADABLE)
