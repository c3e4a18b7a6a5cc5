"""What `make clients` needs is here."""

from __future__ import annotations

import pytest

from tests.clients.tools import PROGRAMS, program

pytestmark = pytest.mark.clients


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_on_this_machine(name: str) -> None:
    assert program(name)
