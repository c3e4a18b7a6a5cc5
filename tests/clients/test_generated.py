"""Clients as stock generators make them of the OpenAPI: they compile, send a referral, and bear what a later release says.

Those of the published 0.1.0 go on working: they read today's answers. The programs over both are the same ones: whoever
generates a client anew changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from conduit_local.services import DOCS_DIR
from tests.clients import tools
from tests.clients.conftest import PARTNER, Hub

TODAY = DOCS_DIR / "openapi.json"
PUBLISHED = Path(__file__).parents[1] / "compatibility" / "openapi-0.1.0.json"
"""Go is not among 0.1.0's: its client never compiled."""
STATES = {"received", "under_review", "accepted", "with_forces", "handed_over"}
CLIENTS = {"java": tools.java, "go": tools.go, "typescript": tools.typescript, "openapi-typescript": tools.typed}

pytestmark = [pytest.mark.clients, pytest.mark.timeout(1_800)]
each_client = pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
each_of_the_published = pytest.mark.parametrize(
    "client", [made for name, made in CLIENTS.items() if name != "go"], ids=[name for name in CLIENTS if name != "go"]
)

Client = Callable[[Path, Path], list[str]]


def referral(reference: str) -> str:
    """As a partner sends it, with a person of each kind of identity that generators find hard: one of several."""
    return json.dumps(
        {
            "partner_id": PARTNER,
            "partner_reference": reference,
            "mou_reference": "MOU-NORTHLIGHT",
            "caseworker": {"name": "Example Caseworker", "email": "casework@northlight.example"},
            "reported_at": "2026-10-20T09:30:00Z",
            "urgency": "priority",
            "immediate_danger": False,
            "narrative": "Synthetic: six children told us the same of one house.",
            "persons": [
                {"person_id": "V1", "role": "victim", "identity": {"kind": "pseudonymous", "pseudonym": "Robin"}},
            ],
            "places": [{"place_id": "L1", "kind": "home", "district_code": "E08000025"}],
            "numbers": {"victims_known": 6},
            "concerns": ["contact_sexual_abuse"],
            "legal_ground": "safeguarding_of_children",
        }
    )


def supplement(reference: str) -> str:
    """More about it."""
    names = {"partner_id": PARTNER, "partner_reference": reference}
    return json.dumps({**names, "text": "Synthetic: one more child.", "supplied_at": "2026-10-21T09:30:00Z"})


def sends(command: list[str], folder: Path, hub: Hub, url: str) -> None:
    reference = f"CLIENT-{uuid4().hex[:12]}"
    content = {"REFERRAL": referral(reference), "SUPPLEMENT": supplement(reference)}
    said = tools.run(*command, folder=folder, BASE_URL=url, TOKEN=hub.token(), KEY=str(uuid4()), **content)
    outcome, _, state = said.split()
    assert outcome == "received"
    assert state in STATES


@each_client
def test_a_generated_client_compiles_sends_a_referral_and_bears_a_field_that_comes_later(
    client: Client, hub: Hub, tmp_path: Path
) -> None:
    command = client(TODAY, tmp_path)
    for url in (hub.today, hub.later):
        sends(command, tmp_path, hub, url)


@each_of_the_published
def test_a_client_of_the_published_release_reads_todays_answers(client: Client, hub: Hub, tmp_path: Path) -> None:
    sends(client(PUBLISHED, tmp_path), tmp_path, hub, hub.today)
