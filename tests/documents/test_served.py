"""A service of the real stack serves what is committed, and intake's live document is the committed one."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from conduit_local.services import DOCS_DIR
from conduit_local.stack import Options
from tests.support.stacks import RunStack


@pytest.fixture(scope="module")
def intake(run_stack: RunStack) -> Iterator[httpx.Client]:
    options = Options(services=("intake",), partner_ids=(), force_ids=())
    with run_stack("documents", options) as stack, httpx.Client(base_url=stack.url("intake"), trust_env=False) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/docs", "index.html"),
        ("/docs/asyncapi", "asyncapi.html"),
        ("/asyncapi", "asyncapi.html"),
        ("/docs/asyncapi.json", "asyncapi.json"),
        ("/docs/openapi", "openapi.html"),
        ("/docs/openapi.json", "openapi.json"),
    ],
)
def test_a_document_is_served_as_it_is_committed(intake: httpx.Client, path: str, name: str) -> None:
    answer = intake.get(path, follow_redirects=True)
    assert (answer.status_code, answer.content) == (200, (DOCS_DIR / name).read_bytes())
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_live_document_is_the_committed_one(intake: httpx.Client) -> None:
    assert intake.get("/openapi.json").json() == intake.get("/docs/openapi.json").json()


def test_a_services_own_document_is_still_there(intake: httpx.Client) -> None:
    document = intake.get("/asyncapi.json").json()
    assert "partner.{partner_id}.referrals.v1" in {channel["address"] for channel in document["channels"].values()}
