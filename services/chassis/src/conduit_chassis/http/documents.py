"""The conduit's documents under `/docs`: pages and documents for tools, as files from a folder. None is made on request.

They need no script and nothing from elsewhere, and their headers allow neither.
"""

from collections.abc import Mapping
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/docs"
_FILES = ("index.html", "asyncapi.html", "asyncapi.json", "openapi.html", "openapi.json")
_TYPES = {".html": "text/html; charset=utf-8", ".json": "application/json"}
_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def documents(folder: Path | None) -> dict[str, ASGIApp]:
    """The applications by path: `/docs/asyncapi` and `/docs/asyncapi.html` are one page. Without a folder there are none."""
    found: dict[str, ASGIApp] = {}
    for name in _FILES:
        path = folder / name if folder else None
        if path and path.is_file():
            answer = _file(path)
            found[f"{PREFIX}/{name}"] = answer
            found[f"{PREFIX}/{name.removesuffix('.html')}"] = answer
    if f"{PREFIX}/index.html" in found:
        found[f"{PREFIX}/"] = found[f"{PREFIX}/index.html"]
        found[PREFIX] = redirect("docs/")
    return found


def redirect(location: str) -> ASGIApp:
    """An application that leads to another path for good; relative, so that it holds behind a proxy's prefix."""
    return _answer(308, {"location": location}, b"")


def _file(path: Path) -> ASGIApp:
    return _answer(200, {"content-type": _TYPES[path.suffix], **_HEADERS}, path.read_bytes())


def _answer(status: int, headers: Mapping[str, str], body: bytes) -> ASGIApp:
    raw = [(name.encode(), text.encode()) for name, text in headers.items()]
    raw.append((b"content-length", str(len(body)).encode()))

    async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return answer
