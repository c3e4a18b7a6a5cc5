"""What Keycloak is told: the same people as everywhere on this machine, and what a desk asks of any provider."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conduit_local.keycloak import GROUP, LOCK_FILE, VERSION
from conduit_local.keycloak_realms import RealmClient, has_second_factor, realm_of, subject_of, user_of
from conduit_local.personas import HUB, PERSONAS, PROVIDERS
from conduit_operate.jars import Jar, read_lock
from conduit_web.signing_in import router

URL = "https://console.hub.example"
CLIENT = RealmClient("console", "synthetic", URL, "hub")


def realm(**more: Any) -> dict[str, Any]:
    users = [user_of(each, "synthetic", "secret of codes") for each in PERSONAS if each.provider is HUB]
    return realm_of(HUB, users, [more.get("client", CLIENT)])


def test_everybody_can_sign_in_at_their_own_organisation_under_an_id_that_says_nothing() -> None:
    assert {user["username"] for user in realm()["users"]} == {each.name for each in PERSONAS if each.provider is HUB}
    assert {each.provider for each in PERSONAS} == set(PROVIDERS)
    assert len({subject_of(each) for each in PERSONAS}) == len(PERSONAS)
    assert [each for each in PERSONAS if each.name in subject_of(each)] == []


def test_whoever_needs_a_second_factor_has_one_and_nobody_else() -> None:
    assert {each.name for each in PERSONAS if not has_second_factor(each)} == {"finance"}
    kinds = {user["username"]: [each["type"] for each in user["credentials"]] for user in realm()["users"]}
    assert (kinds["officer"], kinds["finance"]) == (["password", "otp"], ["password"])


def test_the_client_is_told_the_desks_own_addresses() -> None:
    (client,) = realm()["clients"]
    paths = {getattr(each, "path", "") for each in router.routes}
    assert {"/signed-in/{name}", "/back-channel-sign-out/{name}", "/signed-out"} <= paths
    assert client["redirectUris"] == [f"{URL}/signed-in/hub"]
    assert client["attributes"]["backchannel.logout.url"] == f"{URL}/back-channel-sign-out/hub"
    assert client["attributes"]["post.logout.redirect.uris"] == f"{URL}/signed-out"
    assert (client["publicClient"], client["attributes"]["pkce.code.challenge.method"]) == (False, "S256")


@pytest.mark.parametrize("asks", [True, False], ids=["the desk asks", "the realm asks"])
def test_the_second_level_is_asked_for_by_one_of_the_two(asks: bool) -> None:
    made = realm(client=RealmClient("console", "synthetic", URL, "hub", asks_for_second_factor=asks))
    asked = made["clients"][0]["attributes"].get("default.acr.values")
    assert asked == (None if asks else "two-factors")
    assert json.loads(made["attributes"]["acr.loa.map"]) == {"one-factor": 1, "two-factors": 2}


def test_every_step_has_its_settings_and_every_part_its_flow() -> None:
    made = realm()
    steps = [each for flow in made["authenticationFlows"] for each in flow["authenticationExecutions"]]
    assert {each["authenticatorConfig"] for each in steps if "authenticatorConfig" in each} == {
        each["alias"] for each in made["authenticatorConfig"]
    }
    parts = {each["flowAlias"] for each in steps if each["authenticatorFlow"]}
    assert parts | {made["browserFlow"]} == {each["alias"] for each in made["authenticationFlows"]}


def test_a_code_is_asked_for_where_the_second_level_is_reached_and_nowhere_beside() -> None:
    """With the code in a part of its own, a person without one would reach the level all the same."""
    (second,) = [each for each in realm()["authenticationFlows"] if each["alias"] == "second level"]
    names = [(each["authenticator"], each["requirement"]) for each in second["authenticationExecutions"]]
    assert names == [
        ("conditional-level-of-authentication", "REQUIRED"),
        ("conditional-user-configured", "REQUIRED"),
        ("auth-otp-form", "REQUIRED"),
    ]


def test_the_lock_has_this_version_of_the_distribution() -> None:
    (archive,) = read_lock(LOCK_FILE)
    assert (archive.group, archive.version, archive.packaging) == (GROUP, VERSION, "zip")
    assert archive.file_name == f"keycloak-quarkus-dist-{VERSION}.zip"
    assert len(archive.sha256) == 64


@pytest.mark.parametrize("line", ["org.example:program:zip:1.0 00ff", "org.example:library:1.0 00ff"])
def test_a_line_of_a_lock_comes_back_as_it_was(line: str, tmp_path: Any) -> None:
    (tmp_path / "lock").write_text(f"# a comment\n{line}\n")
    (read,) = read_lock(tmp_path / "lock")
    assert str(read) == line
    assert isinstance(read, Jar)
