"""Limits, headers and what every answer has, whatever the request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import httpx
import pytest
from prometheus_client import REGISTRY

from conduit_chassis.http.server import Router
from conduit_chassis.testing import ManualClock
from conduit_intake.access.limits import MOST_BUCKETS, Buckets
from conduit_intake.api import door, kept
from conduit_intake.api.app import create_api
from conduit_intake.api.bodies import DEEPEST, too_deep
from conduit_intake.api.edge import correlation_id
from services.intake.tests.api import Api, added, body, code, keyed, post, refer, referred, token
from services.intake.tests.conftest import intake_with
from services.intake.tests.samples import CANARY, NORTH, sent, submitted

PATH = "/v1/referrals"


class TestSize:
    async def test_a_body_that_says_it_is_too_large_is_looked_through_for_danger_so_far_and_no_further(
        self, north: httpx.AsyncClient
    ) -> None:
        read = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal read
            while True:
                read += 1
                yield b" " * 65_536

        headers = keyed() | {"content-length": "2621450"}
        assert code(await north.post(PATH, content=endless(), headers=headers)) == (413, "body_too_large")
        assert 100 < read < 140, "8 MiB, and the limit"

    async def test_a_body_that_turns_out_too_large_is_looked_through_so_far_and_no_further(
        self, north: httpx.AsyncClient
    ) -> None:
        read = 0

        async def long() -> AsyncIterator[bytes]:
            nonlocal read
            for _ in range(1_000):
                read += 1
                yield b" " * 65_536

        assert code(await north.post(PATH, content=long(), headers=keyed())) == (413, "body_too_large")
        assert 100 < read < 140, "8 MiB, and the limit"

    async def test_what_just_fits_the_body_is_too_large_for_the_rule_as_well(self, north: httpx.AsyncClient) -> None:
        filled = body()[:-1] + b" " * (262_144 - len(body())) + b"}"
        assert len(filled) == 262_144
        answer = await post(north, PATH, filled)
        assert code(answer) == (413, "body_too_large")

    async def test_a_body_that_does_not_arrive_is_not_waited_for(self, api: Api, database: str) -> None:
        async with intake_with(database, body_seconds=0.05) as slow:
            client = await api.client(app=create_api(slow.runtime))

            async def stuck() -> AsyncIterator[bytes]:
                yield b"{"
                await asyncio.sleep(5)

            answer = await client.post(PATH, content=stuck(), headers=keyed())
        assert code(answer) == (408, "body_too_slow")

    async def test_a_length_that_is_none_does_no_harm(self, north: httpx.AsyncClient) -> None:
        for length in ["-1", "x", "", "9" * 40, "²"]:
            headers = [
                *((name.encode(), text.encode()) for name, text in keyed().items()),
                (b"content-length", length.encode()),
            ]
            answer = await north.post(PATH, content=body(), headers=headers)
            assert answer.status_code in {200, 202, 413}


class TestDepth:
    async def test_a_body_that_is_nested_too_deeply_is_not_parsed(self, north: httpx.AsyncClient) -> None:
        for opening in [b"[", b'{"a":']:
            assert code(await post(north, PATH, opening * 10_000)) == (400, "json_too_deep")

    @pytest.mark.parametrize(
        ("text", "deep"),
        [
            (b"[" * DEEPEST + b"]" * DEEPEST, False),
            (b"[" * (DEEPEST + 1), True),
            (b"[]" * 1_000, False),
            (b'["' + b"[" * 1_000 + b'"]', False),
            (b'["\\"' + b"{" * 1_000 + b'"]', False),
            (b'"' + b"\\" * 100_000 + b"[" * 100, False),
        ],
        ids=["just so", "one more", "side by side", "in a string", "after an escaped quote", "in a string without end"],
    )
    def test_depth_is_counted_outside_strings(self, text: bytes, deep: bool) -> None:
        assert too_deep(text) is deep


class TestRate:
    async def test_a_partner_that_asks_too_often_waits_and_no_other_does(
        self, api: Api, database: str, clock: ManualClock
    ) -> None:
        async with intake_with(database, clock, http_burst=3, http_rate_per_second=0.1) as slow:
            app = create_api(slow.runtime)
            clients = [await api.client(NORTH, app), await api.client(f"{NORTH}.second", app)]
            answers = [await clients[number % 2].get(PATH) for number in range(4)]
            assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
            assert code(answers[-1]) == (429, "rate_exceeded")
            assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
            other = await api.client("southlight", app)
            assert (await other.get(PATH)).status_code == 200

    async def test_replicas_share_what_a_partner_may_ask_for(self, api: Api, database: str, clock: ManualClock) -> None:
        settings = {"http_burst": 3, "http_rate_per_second": 0.1, "token_burst": 3, "token_rate_per_second": 0.1}
        async with AsyncExitStack() as stack:
            entered = [intake_with(database, clock, **settings) for _ in range(2)]
            apps = [create_api((await stack.enter_async_context(each)).runtime) for each in entered]
            replicas = [await api.client(NORTH, app) for app in apps]
            answers = [await replicas[number % 2].get(PATH) for number in range(4)]
            assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
            assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
            secret = api.secret().text  # two tokens were given already
            asked = [await token(replicas[number % 2], NORTH, secret) for number in range(2)]
            assert [answer.status_code for answer in asked] == [200, 429]

    def test_tokens_flow_back_up_to_the_burst(self) -> None:
        now = [0.0]
        buckets = Buckets(2.0, 3, lambda: now[0])
        assert [buckets.wait("a") for _ in range(4)] == [0, 0, 0, 1]
        now[0] = 0.5
        assert [buckets.wait("a") for _ in range(2)] == [0, 1]
        now[0] = 100.0
        assert [buckets.wait("a") for _ in range(4)] == [0, 0, 0, 1]

    def test_the_wait_is_as_long_as_a_token_takes(self) -> None:
        buckets = Buckets(0.1, 1, lambda: 0.0)
        assert [buckets.wait("a"), buckets.wait("a")] == [0, 10]

    def test_buckets_longest_out_of_use_are_forgotten(self) -> None:
        buckets = Buckets(0.001, 1, lambda: 0.0)
        for number in range(MOST_BUCKETS + 1):
            buckets.wait(str(number))
        assert buckets.wait("1") > 0
        assert buckets.wait("0") == 0


class TestLoad:
    """Requests leave connections to the records from Kafka."""

    async def test_a_request_that_waits_too_long_is_refused_and_records_are_still_taken(
        self, api: Api, database: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        inside, go_on = asyncio.Event(), asyncio.Event()
        keep = kept.keep

        async def slowly(*arguments: Any) -> None:
            inside.set()
            await go_on.wait()
            await keep(*arguments)

        async with intake_with(database, clock, pool_size=4) as busy:
            ((_, app),) = busy.runtime.service.routes(busy.runtime)
            client = await api.client(app=app)
            monkeypatch.setattr(kept, "keep", slowly)
            monkeypatch.setattr(door, "QUEUE_SECONDS", 0.2)
            first = asyncio.create_task(refer(client))
            await inside.wait()
            answers = await asyncio.gather(*(refer(client, partner_reference=f"NL-{number}") for number in range(10)))
            assert {code(answer) for answer in answers} == {(503, "unavailable")}
            assert answers[0].headers["retry-after"] == "1"
            await busy.processor.process([sent(submitted(partner_reference="KAFKA"))])
            go_on.set()
            assert (await first).status_code == 202
            assert (await refer(client, partner_reference="NL-99")).status_code == 202

    async def test_a_partner_sends_so_many_files_at_once(self, north: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        go_on, begun, all_begun = asyncio.Event(), 0, asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            nonlocal begun
            begun += 1
            if begun == door.UPLOADS_AT_ONCE:
                all_begun.set()
            await go_on.wait()
            yield b"text"

        async def attach(content: Any) -> httpx.Response:
            headers = keyed() | {"content-type": "text/plain"}
            return await north.post(f"{PATH}/{referral_id}/attachments", content=content, headers=headers)

        waiting = [asyncio.create_task(attach(slow())) for _ in range(door.UPLOADS_AT_ONCE)]
        await all_begun.wait()
        assert code(await attach(b"one more")) == (429, "rate_exceeded")
        go_on.set()
        assert {(await each).status_code for each in waiting} <= {200, 202}
        assert (await attach(b"one more")).status_code == 202


class TestMedia:
    async def test_another_media_type_is_refused(self, north: httpx.AsyncClient) -> None:
        for media_type in ["text/plain", "", "application/xml", "application/jsonx", "application/json5"]:
            answer = await north.post(PATH, content=body(), headers=keyed() | {"content-type": media_type})
            assert code(answer) == (415, "media_type_unsupported")
            assert answer.headers["accept"] == "application/json"

    async def test_an_encoded_body_is_refused(self, north: httpx.AsyncClient) -> None:
        answer = await north.post(PATH, content=body(), headers=keyed() | {"content-encoding": "gzip"})
        assert code(answer) == (415, "encoding_unsupported")


class TestPaths:
    async def test_what_is_not_there_is_a_problem(self, north: httpx.AsyncClient) -> None:
        for path in ["/", "/v1", "/v1/referrals/", "/v1/referrals//", "/v2/referrals", "/docs/x", "/%00"]:
            assert code(await north.get(path)) == (404, "not_found")

    async def test_a_method_that_is_not_there_says_which_are(self, north: httpx.AsyncClient) -> None:
        for method, path, allow in [
            ("DELETE", PATH, "GET, POST, HEAD"),
            ("OPTIONS", PATH, "GET, POST, HEAD"),
            ("PUT", f"{PATH}/x", "GET, HEAD"),
            ("GET", f"{PATH}/x/withdrawal", "POST"),
            ("HEAD", f"{PATH}/x/withdrawal", "POST"),
            ("GET", "/oauth/token", "POST"),
            ("POST", "/openapi.json", "GET, HEAD"),
        ]:
            answer = await north.request(method, path)
            assert answer.status_code == 405
            assert set(answer.headers["allow"].split(", ")) == set(allow.split(", "))
            if method != "HEAD":
                assert code(answer) == (405, "method_not_allowed")

    async def test_the_head_is_the_answer_without_its_body(self, north: httpx.AsyncClient) -> None:
        await referred(north)
        whole, head = await north.get(PATH), await north.head(PATH)
        assert (head.status_code, head.content) == (200, b"")
        differing = {"x-correlation-id"}
        assert {k: v for k, v in head.headers.items() if k not in differing} == {
            k: v for k, v in whole.headers.items() if k not in differing
        }

    async def test_the_chassis_keeps_its_own_paths(self, api: Api) -> None:
        async def docs(*_: Any) -> None:
            raise AssertionError

        router = Router(api.intake.runtime.health, docs, {})
        router.serve([("/", api.app)])
        client = await api.anybody(router)
        assert (await client.get("/livez")).text == "ok"
        assert "conduit_http_requests_total" in (await client.get("/metrics", follow_redirects=True)).text
        assert (await client.get("/openapi.json")).json()["openapi"] == "3.1.0"
        assert code(await client.get("/nowhere")) == (404, "not_found")


class TestCorrelation:
    async def test_a_callers_id_comes_back(self, north: httpx.AsyncClient) -> None:
        for path in (PATH, "/nowhere"):
            answer = await north.get(path, headers={"x-correlation-id": "caller-7.x_Y"})
            assert answer.headers["x-correlation-id"] == "caller-7.x_Y"

    async def test_what_is_no_id_is_replaced(self, north: httpx.AsyncClient) -> None:
        for given in [b"", b"x" * 65, b"two words", b"\xff", b"a\tb", b"<script>"]:
            answer = await north.get(PATH, headers={b"x-correlation-id": given})  # type: ignore[dict-item]
            assert UUID(answer.headers["x-correlation-id"])

    def test_two_ids_are_none(self) -> None:
        name = b"x-correlation-id"
        assert UUID(correlation_id([(name, b"a"), (name, b"b")]))

    async def test_nothing_is_cached_and_nothing_guessed(self, north: httpx.AsyncClient) -> None:
        for path in (PATH, "/nowhere", "/openapi.json"):
            answer = await north.get(path)
            assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")


class TestWhatIsLeftBehind:
    async def test_metrics_name_routes_and_no_ids(self, north: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        await north.get(f"{PATH}/{referral_id}")
        await north.get(f"/{CANARY}")
        await north.request(CANARY.upper(), PATH)
        found = [
            sample.labels
            for metric in REGISTRY.collect()
            if metric.name.startswith("conduit_http")
            for sample in metric.samples
        ]
        routes = {labels["route"] for labels in found}
        assert {PATH, f"{PATH}/{{referral_id}}", "none"} <= routes
        assert not any(referral_id in str(labels) or CANARY in str(labels).lower() for labels in found)
        assert CANARY.upper() not in {labels["method"] for labels in found}

    async def test_nobodys_words_reach_logs_or_answers(
        self, north: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
    ) -> None:
        referral_id = await referred(north)
        answers = [
            await refer(north, narrative=f"{CANARY} again"),
            await post(north, f"{PATH}/{referral_id}/information", added()),
            await post(north, PATH, {f"{CANARY} of": CANARY, "narrative": [CANARY]}),
            await north.get(f"{PATH}?{CANARY}+of={CANARY}"),
            await north.get(f"{PATH}?state={CANARY}"),
            await north.get(f"{PATH}/{CANARY}"),
            await north.get(f"{PATH}/{referral_id}"),
            await north.post(PATH, content=CANARY, headers=keyed(key=f"{CANARY} {CANARY}")),
        ]
        assert not any(CANARY in answer.text for answer in answers)
        assert CANARY not in json.dumps([dict(answer.headers) for answer in answers])
        shown = capsys.readouterr()
        assert CANARY not in shown.out + shown.err
