"""The JSON Schemas as other languages' validators take them: strictly, and each in its own way."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from conduit_contracts.schemas import committed
from tests.documents.tools import run_node

PRESENT = [*committed().values()][-1]


@pytest.mark.long
def test_ajv_compiles_every_schema_strictly_and_takes_its_example() -> None:
    assert run_node("ajv.mjs", PRESENT) == {}


@pytest.mark.long
def test_and_would_refuse_what_it_does_not_know() -> None:
    """The version before had a keyword of OpenAPI's, which nine schemas fell over."""
    found = run_node("ajv.mjs", committed()["0.1.0"])
    assert len(found) == 9
    assert all("discriminator" in text for text in found.values())


@pytest.mark.parametrize("name", sorted(PRESENT))
def test_another_validator_compiles_it_and_takes_its_example(name: str) -> None:
    made: Any = PRESENT[name]
    validator = jsonschema_rs.Draft202012Validator(made, validate_formats=True)
    assert all(validator.is_valid(example) for example in made["examples"])
    assert not validator.is_valid([])
