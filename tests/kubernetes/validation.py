"""Whether a resource is what its definition wants: every field known, of the right type, and none missing."""

from __future__ import annotations

from functools import cache
from typing import Any

import kubernetes_validate
from jsonschema import Draft202012Validator

from tests.kubernetes.schemas import operators_schemas

KUBERNETES = "1.35"
"""The oldest release that the manifests are for."""


@cache
def _validators() -> dict[tuple[str, str], Draft202012Validator]:
    return {key: Draft202012Validator(schema) for key, schema in operators_schemas().items()}


def complaints(resource: dict[str, Any]) -> list[str]:
    """What is wrong with it; nothing where nothing is."""
    name = f"{resource.get('kind')} {resource.get('metadata', {}).get('name')}"
    validator = _validators().get((str(resource.get("apiVersion")), str(resource.get("kind"))))
    if validator is not None:
        found = sorted(validator.iter_errors(resource), key=lambda error: error.json_path)
        return [f"{name}: {error.json_path}: {error.message[:300]}" for error in found]
    try:
        kubernetes_validate.validate(resource, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{name}: {'.'.join(map(str, error.path))}: {error.message[:300]}"]
    except kubernetes_validate.SchemaNotFoundError:
        return [f"{name}: {resource.get('apiVersion')} is not known to Kubernetes {KUBERNETES} nor to any operator"]
    return []
