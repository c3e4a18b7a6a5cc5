"""Tokens and secrets: who gets in, and who no longer does."""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import psycopg
import pytest
import structlog

from conduit_chassis.testing import ManualClock
from conduit_intake import metrics
from conduit_intake.access import clients, tokens
from conduit_intake.access.credentials import new_secret
from conduit_intake.api.app import create_api
from conduit_intake.api.tokens import FORM
from services.intake.tests.api import Api, code, referred, token
from services.intake.tests.conftest import intake_with
from services.intake.tests.samples import NORTH, NOW, SOUTH

_TABLES = """
SELECT quote_ident(schemaname) || '.' || quote_ident(relname) FROM pg_stat_user_tables
"""


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


async def look(client: httpx.AsyncClient, given: httpx.Response) -> int:
    """The status of a look with a token just given."""
    return (await client.get("/v1/referrals", headers=bearer(given.json()["access_token"]))).status_code


class TestTokens:
    async def test_a_secret_gives_a_token_for_minutes(self, api: Api, clock: ManualClock) -> None:
        client = await api.anybody()
        given = await token(client, NORTH, api.secret().text)
        assert given.status_code == 200
        assert given.json() | {"access_token": ""} == {
            "access_token": "",
            "token_type": "Bearer",
            "expires_in": 900,
            "scope": "referrals",
        }
        assert given.headers["cache-control"] == "no-store"
        assert await look(client, given) == 200
        clock.advance(timedelta(seconds=900))
        answer = await client.get("/v1/referrals", headers=bearer(given.json()["access_token"]))
        assert code(answer) == (401, "unauthenticated")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]

    async def test_id_and_secret_may_stand_in_the_form(self, api: Api) -> None:
        client = await api.anybody()
        form = {"grant_type": "client_credentials", "client_id": NORTH, "client_secret": api.secret().text}
        assert (await client.post("/oauth/token", data=form)).status_code == 200

    async def test_no_secret_and_no_token_stands_in_the_database(self, api: Api) -> None:
        secret = api.secret()
        given = await token(await api.anybody(), NORTH, secret.text)
        tables = [row[0] for row in await api.intake.pool.fetch(_TABLES)]
        assert len(tables) > 10
        for table in tables:
            rows = str([tuple(row) for row in await api.intake.pool.fetch(f"SELECT * FROM {table}")])  # noqa: S608
            assert secret.text not in rows
            assert given.json()["access_token"] not in rows

    async def test_every_wrong_pair_gets_the_same_answer(self, api: Api) -> None:
        for shown in [
            (NORTH, "wrong"),
            (SOUTH, "wrong"),
            ("nobody", "wrong"),
            (f"{NORTH}.other", "wrong"),
            ("Not A Client", "wrong"),
            (NORTH, "x" * 10_00),
            (NORTH, ""),
            ("", ""),
        ]:
            api.secret()
            answer = await token(await api.anybody(), *shown)
            assert answer.status_code == 401
            assert answer.json() == {
                "error": "invalid_client",
                "error_description": "The client id or the secret is not valid.",
            }
            assert answer.headers["www-authenticate"].startswith("Basic")

    async def test_a_wrong_secret_costs_no_slow_hash_whether_the_client_exists_or_not(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tokens, "hash_secret", lambda *_: pytest.fail("the slow hash was computed"))
        await api.client()
        client = await api.anybody()
        for client_id in (NORTH, "nobody"):
            assert (await token(client, client_id, "wrong")).status_code == 401

    async def test_a_form_that_is_none_is_refused(self, api: Api) -> None:
        for content, error in [
            (b"", "invalid_request"),
            (b"grant_type", "invalid_request"),
            (b"grant_type=password", "unsupported_grant_type"),
            (b"grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
            (b"\xff", "invalid_request"),
            (b"&".join(b"a%d=1" % number for number in range(30)), "invalid_request"),
        ]:
            headers = {"content-type": FORM}
            answer = await (await api.anybody()).post("/oauth/token", content=content, headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (400, error)

    async def test_a_scope_that_is_not_the_clients_is_refused(self, api: Api) -> None:
        client, secret = await api.anybody(), api.secret()
        assert (await token(client, NORTH, secret.text, scope="referrals")).status_code == 200
        answer = await token(client, NORTH, secret.text, scope="sandbox")
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")

    async def test_a_header_that_is_no_pair_is_refused(self, api: Api) -> None:
        for header in ["Basic", "Basic !!", "Basic eA==", "Bearer eA==", "Basic " + "A" * 400, "Digest x"]:
            form, headers = {"grant_type": "client_credentials"}, {"authorization": header}
            answer = await (await api.anybody()).post("/oauth/token", data=form, headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")

    async def test_basic_credentials_are_read_as_oauth_encodes_them(self, api: Api) -> None:
        client_id = f"{NORTH}.kit"
        pair = f"northlight%2Ekit:{api.secret(client_id).text.replace('-', '%2D')}"
        headers = {"authorization": "basic " + base64.b64encode(pair.encode()).decode()}
        answer = await (await api.anybody()).post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers)
        assert answer.status_code == 200

    async def test_guessing_is_slowed(self, api: Api, database: str, clock: ManualClock) -> None:
        async with intake_with(database, clock, token_burst=3, token_rate_per_second=0.01) as slow:
            client = await api.anybody(create_api(slow.runtime))
            answers = [await token(client, NORTH, "wrong") for _ in range(4)]
            assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
            assert code(answers[-1]) == (429, "rate_exceeded")
            assert 1 <= int(answers[-1].headers["retry-after"]) <= 100
            assert (await token(client, SOUTH, "wrong")).status_code == 401


class TestWrongSecrets:
    """Whoever knows a client id may show wrong secrets for it, as many as they like, and takes nothing from its owner."""

    @pytest.fixture
    async def slow(self, api: Api, database: str, clock: ManualClock) -> AsyncIterator[httpx.AsyncClient]:
        """A hub that gives three tokens, and takes three wrong secrets, and then none for a long while."""
        async with intake_with(database, clock, token_burst=3, token_rate_per_second=0.01) as made:
            yield await api.anybody(create_api(made.runtime))

    async def test_a_flood_of_them_keeps_the_right_one_from_nothing(self, api: Api, slow: httpx.AsyncClient) -> None:
        secret = api.secret()
        flood = await asyncio.gather(*(token(slow, NORTH, f"wrong {number}") for number in range(60)))
        assert sorted({answer.status_code for answer in flood}) == [401, 429]
        assert [(await token(slow, NORTH, secret.text)).status_code for _ in range(4)] == [200, 200, 200, 429]

    @pytest.mark.parametrize("seed", range(8))
    async def test_in_whatever_order_they_come(self, api: Api, slow: httpx.AsyncClient, seed: int) -> None:
        chance = random.Random(seed)
        right = {name: api.secret(name).text for name in (NORTH, f"{NORTH}.kit", f"{NORTH}.sandbox", SOUTH)}
        tries = [(name, True) for name in right for _ in range(3)]
        tries += [(chance.choice([*right, "nobody", "made-up"]), False) for _ in range(60)]
        chance.shuffle(tries)
        answers = [(is_right, await token(slow, name, right[name] if is_right else "wrong")) for name, is_right in tries]
        assert {answer.status_code for is_right, answer in answers if is_right} == {200}
        assert {answer.status_code for is_right, answer in answers if not is_right} == {401, 429}

    async def test_they_are_counted_and_named_in_the_log_once_a_minute(self, api: Api, slow: httpx.AsyncClient) -> None:
        api.secret()
        before = {told: metrics.TOKENS.labels(told)._value.get() for told in ("refused", "throttled")}
        with structlog.testing.capture_logs() as logs:
            for name in (NORTH, "somebody-s-name"):
                for _ in range(6):
                    await token(slow, name, "wrong")
        after = {told: metrics.TOKENS.labels(told)._value.get() - count for told, count in before.items()}
        assert after == {"refused": 6, "throttled": 6}
        assert [(log["event"], log["client_id"]) for log in logs] == [("wrong_secrets", NORTH)]

    async def test_a_secret_of_the_release_before_works_and_is_known_quickly_from_then_on(
        self, api: Api, slow: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        secret, other = api.secret(), api.secret()
        await api.intake.pool.execute("UPDATE client_secrets SET quick_hash = NULL WHERE secret_id = $1", secret.secret_id)
        assert (await token(slow, NORTH, "wrong")).status_code == 401
        assert (await token(slow, NORTH, secret.text)).status_code == 200
        monkeypatch.setattr(tokens, "hash_secret", lambda *_: pytest.fail("the slow hash was computed"))
        for text in (secret.text, other.text):
            assert (await token(slow, NORTH, text)).status_code == 200


class TestDiscovery:
    async def test_a_client_library_finds_the_token_endpoint(self, api: Api) -> None:
        client = await api.anybody()
        told = (await client.get("/.well-known/oauth-authorization-server")).json()
        assert told["issuer"] == str(client.base_url).rstrip("/")
        form = {"grant_type": told["grant_types_supported"][0], "scope": told["scopes_supported"][0]}
        given = await client.post(told["token_endpoint"], data=form, auth=(NORTH, api.secret().text))
        assert given.status_code == 200
        assert set(told["scopes_supported"]) == {"referrals", "sandbox", "cases"}
        assert all(told.values())  # the standard wants no empty lists

    async def test_behind_a_gateway_it_names_the_address_that_partners_use(
        self, api: Api, database: str, clock: ManualClock
    ) -> None:
        async with intake_with(database, clock, public_url="https://api.hub.example") as public:
            client = await api.anybody(create_api(public.runtime))
            told = (await client.get("/.well-known/oauth-authorization-server")).json()
        assert told["issuer"] == "https://api.hub.example"
        assert told["token_endpoint"] == "https://api.hub.example/oauth/token"


class TestTheDoor:
    async def test_without_a_live_token_nobody_gets_in(self, api: Api) -> None:
        for header in [None, "", "Bearer", "Bearer ", "Basic eA==", "Bearer nobodys", "bearer ÿ"]:
            client = await api.anybody()
            headers = {} if header is None else {b"authorization": header.encode("latin-1")}
            for method, path in (("GET", "/v1/referrals"), ("POST", "/v1/referrals"), ("GET", "/v1/referrals/x")):
                answer = await client.request(method, path, headers=headers)  # type: ignore[arg-type]
                assert code(answer) == (401, "unauthenticated")
                assert answer.headers["www-authenticate"].startswith("Bearer")

    async def test_a_second_client_of_a_partner_sees_the_same_referrals(self, api: Api, north: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        other = await api.client(f"{NORTH}.second")
        assert (await other.get(f"/v1/referrals/{referral_id}")).status_code == 200


class TestRotation:
    async def test_two_secrets_are_live_at_once(self, api: Api) -> None:
        client, first, second = await api.anybody(), api.secret(), api.secret()
        for secret in (first, second):
            assert (await token(client, NORTH, secret.text)).status_code == 200

    async def test_after_a_rotation_the_old_secret_lasts_for_the_overlap(self, api: Api, clock: ManualClock) -> None:
        client, old = await api.anybody(), api.secret()
        new = api.administer(clients.rotate, NORTH, clock.now(), timedelta(days=7))
        statuses = []
        for _ in range(2):
            statuses.append([(await token(client, NORTH, each.text)).status_code for each in (old, new)])
            clock.advance(timedelta(days=7))
        assert statuses == [[200, 200], [401, 200]]

    def test_an_id_can_be_typed_into_any_command(self) -> None:
        assert all(new_secret().secret_id.isalnum() for _ in range(500))  # a first hyphen makes an option of it

    async def test_a_revoked_secret_ends_with_its_tokens_at_once(self, api: Api) -> None:
        client, old, new = await api.anybody(), api.secret(), api.secret()
        given = [await token(client, NORTH, each.text) for each in (old, new)]
        assert api.administer(clients.revoke, NORTH, NOW, old.secret_id) == 1
        assert [await look(client, each) for each in given] == [401, 200]
        assert (await token(client, NORTH, old.text)).status_code == 401
        assert api.administer(clients.revoke, NORTH, NOW) == 1
        assert [await look(client, each) for each in given] == [401, 401]

    async def test_a_secret_that_was_to_end_sooner_does(self, api: Api, clock: ManualClock) -> None:
        api.secret()
        for overlap in (timedelta(hours=1), timedelta(days=7)):
            clock.advance(timedelta(seconds=1))
            api.administer(clients.rotate, NORTH, clock.now(), overlap)
        ends = [listed.expires_at for listed in api.administer(clients.list_secrets, NORTH)]
        hour, week = NOW + timedelta(hours=1, seconds=1), NOW + timedelta(days=7, seconds=2)
        assert ends == [hour, week, None]


class TestTheCommand:
    @pytest.fixture
    def command(self, database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
        def run(*arguments: str) -> tuple[int, str]:
            status = clients.main(list(arguments))
            shown = capsys.readouterr()
            return status, shown.out + shown.err

        monkeypatch.setenv("POSTGRES_DSN", database)
        return run

    async def test_it_adds_lists_rotates_and_revokes(self, api: Api, command) -> None:  # type: ignore[no-untyped-def]
        status, shown = command("add", f"{NORTH}.kit")
        made = dict(line.split("=", 1) for line in shown.splitlines())
        assert (status, made["client_id"]) == (0, f"{NORTH}.kit")
        assert (await token(await api.anybody(), made["client_id"], made["client_secret"])).status_code == 200
        status, shown = command("rotate", f"{NORTH}.kit", "--overlap-hours", "1")
        assert status == 0
        _, shown = command("list", NORTH)
        assert next(line.split()[:4] for line in shown.splitlines()) == [
            f"{NORTH}.kit",
            "referrals",
            made["secret_id"],
            "live",
        ]
        assert made["client_secret"] not in shown
        assert command("revoke", f"{NORTH}.kit", "--secret-id", made["secret_id"]) == (0, "1 revoked\n")
        assert command("revoke", f"{NORTH}.kit") == (0, "1 revoked\n")
        assert command("revoke", f"{NORTH}.kit") == (0, "0 revoked\n")

    @pytest.mark.parametrize("wrong", [("add", "Not A Client"), ("add", "a.b.c"), ("rotate", "nobody"), ("add", "x" * 41)])
    async def test_it_says_why_it_cannot(self, command, wrong: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]
        status, shown = command(*wrong)
        assert status == 1
        assert shown

    async def test_a_client_keeps_its_scope(self, command) -> None:  # type: ignore[no-untyped-def]
        assert command("add", NORTH)[0] == 0
        assert command("add", NORTH, "--sandbox")[0] == 1
        assert command("add", f"{NORTH}.sandbox")[0] == 0
        _, shown = command("list", NORTH)
        assert [line.split()[1] for line in shown.splitlines()] == ["referrals", "sandbox"]


@pytest.mark.parametrize(
    "row",
    ["('a', 'b', 'referrals', '\\x00'::bytea, now())", "('a b', 'a b', 'referrals', repeat('x', 16)::bytea, now())"],
)
async def test_the_table_takes_no_client_of_another_partner(database: str, row: str) -> None:
    with psycopg.connect(database) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(f"INSERT INTO clients (client_id, owner_id, scope, salt, created_at) VALUES {row}")  # type: ignore[arg-type]  # noqa: S608
