"""What is to be seen from outside over HTTP.

Of the partner API's host: intake's API, the conduit's documents and the duty officers' links. Of each desk's: its pages.
What a service answers besides, such as its metrics, is on none.
"""

from __future__ import annotations

import json
from typing import Any

from conduit_console.pages import front as console
from conduit_contracts.topic import DESKS
from conduit_generate.kubernetes.environment import Environment
from conduit_generate.kubernetes.resources import HTTP_PORT, Resource, resource
from conduit_local.services import DOCS_DIR, ENGAGES, NOTIFIES, SHOWS, TAKES_IN
from conduit_programme.pages import front as programme
from conduit_web.desk import actions
from conduit_web.headers import STATIC
from conduit_web.signing_in import router as signing_in

DUTY = "/duty"
DOCUMENTS = (("Exact", "/openapi.json"), ("PathPrefix", "/docs"))
ROUTERS = {SHOWS: console.ROUTERS, ENGAGES: programme.ROUTERS}
"""Of each desk's pages."""


def routes(environment: Environment) -> list[Resource]:
    """HTTPRoutes on the platform's Gateway, which ends TLS. The Gateway API has no field for a limit per address: the
    platform sets it on the Gateway itself."""
    partner_api = [
        _rule(TAKES_IN, [*api_paths(), *DOCUMENTS]),
        _rule(NOTIFIES, [("PathPrefix", DUTY)]),
    ]
    return [
        _route("partner-api", environment.hosts.api, partner_api, environment),
        *(_route(desk, environment.hosts.of(desk), [_rule(desk, page_paths(desk))], environment) for desk in DESKS),
    ]


def _route(name: str, host: str, rules: list[dict[str, Any]], environment: Environment) -> Resource:
    gateway = environment.gateway
    parents = [{"name": gateway.name, "namespace": gateway.namespace}]
    spec = {"parentRefs": parents, "hostnames": [host], "rules": rules}
    return resource("gateway.networking.k8s.io/v1", "HTTPRoute", name, spec)


def _rule(service: str, paths: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "matches": [{"path": {"type": kind, "value": path}} for kind, path in paths],
        "backendRefs": [{"name": service, "port": HTTP_PORT}],
    }


def page_paths(desk: str) -> list[tuple[str, str]]:
    """The pages' paths as the desk's routes have them: the first page, and what begins as another does."""
    first = {path.split("/", 2)[1] for _, path in actions(*ROUTERS[desk], signing_in)}
    first.add(STATIC.strip("/"))
    return [("Exact", "/"), *(("PathPrefix", f"/{each}") for each in sorted(first) if each)]


def api_paths() -> list[tuple[str, str]]:
    """The API's paths as the committed OpenAPI document has them: those without a parameter, and what is below them."""
    document: dict[str, Any] = json.loads((DOCS_DIR / "openapi.json").read_text(encoding="utf-8"))
    plain = [path for path in document["paths"] if "{" not in path]
    below = {path.split("/{", 1)[0] for path in document["paths"] if "{" in path}
    return [("PathPrefix" if path in below else "Exact", path) for path in sorted({*plain, *below})]
