"""Where a desk shows no pages, nobody can sign in there, and `conduit status` says so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conduit_operate.commands.status import Part, pages_shown
from conduit_operate.health import shows_pages

Serve = Callable[[int], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A desk that answers its first page with this status."""
    running: list[ThreadingHTTPServer] = []

    def made(status: int) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Location", "/sign-in")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield made
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("status", "shown"), [(303, True), (404, False), (503, False)])
def test_a_first_page_that_leads_to_sign_in_is_one(serve: Serve, status: int, shown: bool) -> None:
    assert shows_pages(serve(status)) is shown


def test_a_desk_that_does_not_answer_shows_none() -> None:
    assert not shows_pages("http://127.0.0.1:1")


def test_every_process_of_a_desk_must_show_them_and_one_that_is_not_ready_says_nothing(serve: Serve) -> None:
    with_pages, without = serve(303), serve(404)
    assert pages_shown([Part("console", with_pages, True), Part("programme", without, True)]) == {
        "console": True,
        "programme": False,
    }
    assert pages_shown([Part("programme", with_pages, True), Part("programme", without, True)]) == {"programme": False}
    assert pages_shown([Part("console", without, False), Part("intake", without, True)]) == {}
