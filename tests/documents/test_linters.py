"""Redocly and Spectral report no error; the documents name a contact and a licence, and describe every operation."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.documents.tools import ROOT, run_node

pytestmark = pytest.mark.long

DOCUMENTS: dict[str, Any] = {
    name: json.loads((ROOT / "docs" / "api" / f"{name}.json").read_text(encoding="utf-8"))
    for name in ("openapi", "asyncapi")
}
WANTED = ("contact", "license", "description")


def test_the_linters_find_no_error_and_would() -> None:
    broken = copy.deepcopy(DOCUMENTS["openapi"])
    del broken["paths"]["/oauth/token"]["post"]["security"]
    del broken["info"]["contact"]
    found = run_node("lint.mjs", {**DOCUMENTS, "broken": broken})
    of_broken = [code for code, _, _ in found.pop("broken")]
    assert {"security-defined", "info-contact"} <= {*of_broken}
    for name, said in found.items():
        assert [each for each in said if each[1] == "error"] == [], name
        assert [each for each in said if any(word in each[0] for word in WANTED)] == [], name
