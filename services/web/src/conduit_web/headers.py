"""What every answer tells the browser: run and load nothing but what this desk gave, and keep nothing."""

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conduit_web.opaque import new_secret
from conduit_web.settings import DeskSettings

STATIC = "/static/"


class SecureHeaders:
    """Around the whole application, so that the page about a fault has them, too."""

    def __init__(self, app: ASGIApp, settings: DeskSettings) -> None:
        self._app = app
        # A browser holds a form to its targets through every redirect, and signing out leads to the provider.
        known = settings.identity_providers
        providers = sorted({_origin(each.issuer) for each in known}.union(*(each.page_origins for each in known)))
        self._forms = " ".join(["'self'", *providers])
        self._encrypted = settings.public_url.startswith("https:")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds the headers, and gives pages the nonce of their scripts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = new_secret()
        scope.setdefault("state", {})["nonce"] = nonce

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), nonce, kept=scope["path"].startswith(STATIC))
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _add(self, headers: MutableHeaders, nonce: str, *, kept: bool) -> None:
        headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            f"form-action {self._forms}; base-uri 'none'; frame-ancestors 'none'"
        )
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        headers["Cache-Control"] = "public, max-age=3600" if kept else "no-store"
        if self._encrypted:
            headers["Strict-Transport-Security"] = "max-age=31536000"


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
