"""A running hub, and in front of it a hub of a later release: one that says more than today's documents know."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import httpx
import pytest

from conduit_local.demo.register_samples import register_samples
from conduit_local.stack import Options
from conduit_operate.env_file import parse_env
from conduit_operate.http_clients import HttpClients
from tests.clients.tools import need_programs
from tests.support.stacks import RunStack

PARTNER = "northlight"
PASSED_ON = ("authorization", "content-type", "accept", "idempotency-key")


class Hub(NamedTuple):
    """Where clients send to, and the id and secret of a partner's client."""

    today: str
    later: str
    login: tuple[str, str]

    def token(self) -> str:
        """A new one: generating and compiling may take longer than one lasts."""
        form = {"grant_type": "client_credentials"}
        given = httpx.post(f"{self.today}/oauth/token", data=form, auth=self.login, trust_env=False, timeout=60)
        assert given.status_code == httpx.codes.OK, given.text
        return str(given.json()["access_token"])


def extended(answer: Any) -> Any:
    """With a field more in every object."""
    if isinstance(answer, dict):
        return {name: extended(each) for name, each in answer.items()} | {"of_a_later_version": {"x": [1, None]}}
    return [extended(each) for each in answer] if isinstance(answer, list) else answer


@pytest.fixture(scope="session", autouse=True)
def _programs() -> None:
    """Nothing is begun where a program is missing, and nothing is skipped: one line says what to install."""
    try:
        need_programs()
    except AssertionError as error:
        pytest.exit(str(error), returncode=1)


@pytest.fixture(scope="session")
def hub(run_stack: RunStack) -> Iterator[Hub]:
    with run_stack("clients", Options(prepare=register_samples)) as stack:
        clients = HttpClients(stack.dsns["intake"], stack.url("intake"), stack.state_dir / "clients" / "http")
        clients.make(PARTNER)
        env = parse_env(clients.path(PARTNER).read_text())
        login = (env["CONDUIT_CLIENT_ID"], env["CONDUIT_CLIENT_SECRET"])
        with _later(env["CONDUIT_URL"]) as later:
            yield Hub(env["CONDUIT_URL"], f"http://127.0.0.1:{later.server_port}", login)


def _later(url: str) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name: self.headers[name] for name in PASSED_ON if self.headers[name]}
            answer = httpx.request(self.command, url + self.path, content=body, headers=headers, trust_env=False, timeout=60)
            said = json.dumps(extended(answer.json())).encode()
            self.send_response(answer.status_code)
            self.send_header("content-type", answer.headers["content-type"])
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_POST = do_GET  # noqa: N815 - the base class names it

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server
