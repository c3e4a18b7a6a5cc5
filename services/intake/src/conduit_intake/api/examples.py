"""Synthetic bodies for the documentation. A test holds them to the contract."""

from collections.abc import Mapping
from typing import Any

_WHO = {"partner_id": "example-haven", "partner_reference": "EH-2026-0147"}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "Referral": {
        **_WHO,
        "mou_reference": "MOU-2026-EH",
        "caseworker": {"name": "Synthetic Caseworker", "email": "team@example-haven.example"},
        "reported_at": "2026-11-20T14:05:00Z",
        "urgency": "priority",
        "immediate_danger": False,
        "narrative": "Synthetic: three young people describe the same two adults at a leisure centre.",
        "persons": [
            {
                "person_id": "V1",
                "role": "victim",
                "identity": {"kind": "pseudonymous", "pseudonym": "Synthetic One"},
                "age_at_offence": 14,
                "place_ids": ["L1"],
            }
        ],
        "numbers": {"victims_known": 3, "suspects_known": 2},
        "places": [{"place_id": "L1", "kind": "commercial_premises", "district_code": "E08000025"}],
        "concerns": ["grooming"],
        "legal_ground": "safeguarding_of_children",
    },
    "Supplement": {
        **_WHO,
        "text": "Synthetic: a fourth young person has come forward, and is to meet the adults again this week.",
        "urgency": "urgent",
        "immediate_danger": False,
        "numbers": {"victims_known": 4, "suspects_known": 2},
        "supplied_at": "2026-11-24T10:30:00Z",
    },
    "ReferralWithdrawn": {**_WHO, "reason": "duplicate"},
    "ReconsiderationRequested": {**_WHO, "comment": "Synthetic: two further districts are concerned."},
}
