"""What is to be seen from outside over HTTP: intake's partner API, the conduit's documents, the duty officers' links."""

from __future__ import annotations

import json
from typing import Any

from conduit_generate.kubernetes.environment import Environment
from conduit_generate.kubernetes.resources import HTTP_PORT, Resource, resource
from conduit_local.services import DOCS_DIR

DUTY = "/duty"
DOCUMENTS = (("Exact", "/openapi.json"), ("PathPrefix", "/docs"))


def routes(environment: Environment) -> list[Resource]:
    """One HTTPRoute on the platform's Gateway, which ends TLS. The Gateway API has no field for a limit per address: the
    platform sets it on the Gateway itself."""
    gateway = environment.gateway
    spec = {
        "parentRefs": [{"name": gateway.name, "namespace": gateway.namespace}],
        "hostnames": [environment.hosts.api],
        "rules": [
            {
                "matches": [{"path": {"type": kind, "value": path}} for kind, path in (*api_paths(), *DOCUMENTS)],
                "backendRefs": [{"name": "intake", "port": HTTP_PORT}],
            },
            {
                "matches": [{"path": {"type": "PathPrefix", "value": DUTY}}],
                "backendRefs": [{"name": "notification", "port": HTTP_PORT}],
            },
        ],
    }
    return [resource("gateway.networking.k8s.io/v1", "HTTPRoute", "partner-api", spec)]


def api_paths() -> list[tuple[str, str]]:
    """The API's paths as the committed OpenAPI document has them: those without a parameter, and what is below them."""
    document: dict[str, Any] = json.loads((DOCS_DIR / "openapi.json").read_text(encoding="utf-8"))
    plain = [path for path in document["paths"] if "{" not in path]
    below = {path.split("/{", 1)[0] for path in document["paths"] if "{" in path}
    return [("PathPrefix" if path in below else "Exact", path) for path in sorted({*plain, *below})]
