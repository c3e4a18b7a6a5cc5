"""A person at a browser without scripts: cookies, links and forms over HTTP, to the desk and to a real provider."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.support.html import SEEN_PAGES

URL = "https://desk.hub.example"
NAME, SESSION_COOKIE = "sample", "__Host-sample-session"
"""The small desk's."""
STRONG: dict[str, Any] = {"amr": ["pwd", "otp", "mfa"]}


class Browser:
    def __init__(self, app: Any, elsewhere: httpx.AsyncClient) -> None:
        transport = httpx.ASGITransport(SEEN_PAGES.at(app), raise_app_exceptions=False)
        self.desk = httpx.AsyncClient(transport=transport, base_url=URL)
        self.elsewhere = elsewhere

    async def get(self, path: str) -> httpx.Response:
        return await self.desk.get(path)

    async def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        given = {"Sec-Fetch-Site": "same-origin"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.desk.post(path, data=form or {}, headers={name: value for name, value in given.items() if value})

    async def set_out(self, path: str = "/") -> str:
        """Asks for a page, and is sent to the provider: its address."""
        answer = await self.get(path)
        while answer.status_code == 303 and answer.headers["location"].startswith("/sign-in"):
            answer = await self.get(answer.headers["location"])
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def at_provider(self, way_in: str, name: str, claims: dict[str, Any]) -> str:
        """Fills in the provider's form; the address back, without the desk's own part."""
        answer = await self.elsewhere.post(way_in, data={"username": name, "claims": json.dumps(claims)})
        assert answer.status_code == 302, answer.text
        back = answer.headers["location"]
        assert back.startswith(URL)
        return back.removeprefix(URL)

    async def sign_in(self, name: str, claims: dict[str, Any] | None = None, path: str = "/") -> httpx.Response:
        """The whole way; the desk's answer to coming back."""
        return await self.get(await self.at_provider(await self.set_out(path), name, STRONG if claims is None else claims))

    @property
    def secret(self) -> str | None:
        return next((value for name, value in self.desk.cookies.items() if name.endswith("-session")), None)

    @property
    def cookies(self) -> str:
        """As a browser sends them."""
        return "; ".join(f"{name}={value}" for name, value in self.desk.cookies.items())

    def hold(self, secret: str) -> None:
        """As if it had this session of the small desk."""
        self.desk.cookies.set(SESSION_COOKIE, secret, domain="desk.hub.example", path="/")

    async def form_token(self) -> str:
        return (await self.get("/")).text.split()[-1]
