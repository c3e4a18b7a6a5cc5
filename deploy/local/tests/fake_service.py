"""Stands in for a service: answers /readyz after a moment, and shows the environment it was given."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

Send = Callable[[dict[str, Any]], Awaitable[None]]


async def app(scope: dict[str, Any], _receive: Callable[[], Awaitable[dict[str, Any]]], send: Send) -> None:
    body = b"ok" if scope["path"] == "/readyz" else json.dumps(dict(os.environ)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(app, host=os.environ["HTTP_HOST"], port=int(os.environ["HTTP_PORT"]), lifespan="off")
