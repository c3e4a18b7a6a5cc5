"""Somebody at a browser without scripts, at a desk of a whole stack. Cookies are kept as browsers do on this machine."""

from __future__ import annotations

import json

import httpx


class Visitor:
    """Of the desk at this address."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self._url, self._client = url, client
        self._cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> httpx.Response:
        """What is answered, at the desk or where it sent the browser; the desk alone gets its cookies."""
        address = path if path.startswith("http") else f"{self._url}{path}"
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        own = {"Cookie": cookies, "Sec-Fetch-Site": "same-origin"} if address.startswith(self._url) else {}
        answer = self._client.request(method, address, data=form, headers=own)
        for each in answer.headers.get_list("set-cookie"):
            name, _, value = each.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer

    def get(self, path: str) -> httpx.Response:
        """A page."""
        return self.ask("GET", path)

    def follow(self, answer: httpx.Response) -> httpx.Response:
        """Where this leads within the desk."""
        while (location := answer.headers.get("location", "")).startswith("/"):
            answer = self.get(location)
        return answer

    def sign_in(self, subject: str, path: str = "/asked", **claims: object) -> httpx.Response:
        """By way of this page at its provider, with a second factor; what the desk answers to coming back."""
        way = self.follow(self.get(path)).headers["location"]
        form = {"username": subject, "claims": json.dumps({"amr": ["mfa"], **claims})}
        return self.get(self._client.post(way, data=form).headers["location"])
