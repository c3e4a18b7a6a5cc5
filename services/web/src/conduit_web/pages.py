"""What a desk shows of what this package has to say."""

from collections.abc import Sequence
from typing import Protocol

from fastapi import Request, Response

from conduit_web.sessions import Session
from conduit_web.settings import Provider
from conduit_web.troubles import Trouble
from conduit_web.visits import Visit


class Pages(Protocol):
    """How a desk shows what this package has to say."""

    def trouble(self, request: Request, trouble: Trouble, sign_in_address: str) -> Response:
        """What is wrong and what to do next; where that is to sign in, by the address given."""
        ...

    def choice(self, request: Request, providers: Sequence[Provider], return_to: str, *, fresh: bool) -> Response:
        """Who has several providers asks which."""
        ...

    def sessions(self, request: Request, visit: Visit, sessions: Sequence[Session]) -> Response:
        """Where a person is signed in, with a form for each to end it."""
        ...

    def signed_out(self, request: Request) -> Response:
        """What people see last."""
        ...
