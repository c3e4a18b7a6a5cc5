"""Requests are counted by what they are for, never by what a caller wrote."""

from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from starlette.responses import PlainTextResponse

from conduit_chassis.health import Health
from conduit_chassis.http.server import Router

NAME = "conduit_http_requests_total"


async def broken(_scope: Any, _receive: Any, _send: Any) -> None:
    raise ValueError("of ours")


def client() -> httpx.AsyncClient:
    health = Health(stall_seconds=1, dead_seconds=1)
    router = Router(health, PlainTextResponse("own"), {})
    router.serve([("/things", PlainTextResponse("made", 201)), ("/broken", broken)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(router), base_url="http://service")


def counted(method: str, route: str, status: str) -> float:
    return REGISTRY.get_sample_value(NAME, {"method": method, "route": route, "status": status}) or 0


async def requested(method: str, path: str, route: str, status: str, label: str | None = None) -> float:
    """How many more requests are counted under this route after one for this path."""
    before = counted(label or method, route, status)
    async with client() as caller:
        await caller.request(method, path)
    return counted(label or method, route, status) - before


async def test_a_request_counts_under_the_prefix_of_its_application() -> None:
    assert await requested("POST", "/things/of-somebody", "/things", "201") == 1


async def test_the_chassis_own_pages_count_under_their_paths() -> None:
    assert await requested("GET", "/asyncapi.json", "/asyncapi.json", "200") == 1
    assert await requested("GET", "/readyz", "/readyz", "503") == 1


async def test_what_nobody_serves_counts_as_one_route_and_an_invented_method_as_one_method() -> None:
    assert await requested("GET", "/somebodys-name", "none", "404") == 1
    assert await requested("SOMEBODY", "/somebodys-name", "none", "404", "other") == 1
    shown = {value for sample in _samples() for value in sample.labels.values()}
    assert not any("somebody" in value.lower() for value in shown)


async def test_an_application_that_fails_counts_as_a_fault_of_ours() -> None:
    before = counted("GET", "/broken", "500")
    async with client() as caller:
        with pytest.raises(ValueError, match="of ours"):
            await caller.get("/broken")
    assert counted("GET", "/broken", "500") == before + 1


async def test_an_application_that_serves_everything_counts_its_own() -> None:
    health = Health(stall_seconds=1, dead_seconds=1)
    router = Router(health, PlainTextResponse("own"), {})
    router.serve([("/", PlainTextResponse("all"))])
    before = sum(sample.value for sample in _samples())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(router), base_url="http://service") as caller:
        await caller.get("/anything")
    assert sum(sample.value for sample in _samples()) == before


def _samples() -> list[Any]:
    return [sample for family in REGISTRY.collect() for sample in family.samples if sample.name == NAME]
