"""Synthetic submissions for the kits' tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CANARY = "canary"


def fields(**changes: Any) -> dict[str, Any]:
    """A referral's fields as a partner's own system has them: plain values."""
    return {
        "mou_reference": "MOU-NORTHLIGHT",
        "caseworker": {"name": f"{CANARY} caseworker", "email": "team@partner.example"},
        "reported_at": NOW - timedelta(days=1),
        "urgency": "priority",
        "immediate_danger": False,
        "narrative": f"{CANARY} narrative (synthetic)",
        "persons": [
            {
                "person_id": "V1",
                "role": "victim",
                "identity": {"kind": "pseudonymous", "pseudonym": CANARY},
                "place_ids": ["L1"],
            }
        ],
        "places": [{"place_id": "L1", "district_code": "E08000025"}],
        "numbers": {"victims_known": 6},
        "concerns": ["grooming"],
        "legal_ground": "safeguarding_of_children",
        **changes,
    }


def information(**changes: Any) -> dict[str, Any]:
    return {"text": f"{CANARY} text (synthetic)", "supplied_at": NOW - timedelta(hours=1), **changes}
