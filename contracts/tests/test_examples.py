"""One canonical record per message: a reader learns the message from it, so it must hold in every respect."""

import json
import re
from collections.abc import Iterator

import jsonschema
import pytest

from conduit_contracts.envelope import decode, encode
from conduit_contracts.geography import force_of_district, forces
from conduit_contracts.schemas import messages, schema
from conduit_contracts.topics import REGISTRY, Topic
from contracts.tests.support import Example, Json, examples

TYPES = sorted(messages())


def topic_of(name: str) -> Topic:
    return next(topic for topic in REGISTRY for message in topic.messages if message.type == name)


def leaves(value: Json, name: str = "") -> Iterator[tuple[str, Json]]:
    """Every scalar with the name of its field."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, name)
    else:
        yield name, value


def test_there_is_one_example_for_every_message_and_no_other() -> None:
    assert sorted(examples()) == TYPES


@pytest.mark.parametrize("name", TYPES)
def test_an_example_is_valid_under_its_json_schema(name: str) -> None:
    validator = jsonschema.Draft202012Validator(
        schema(messages()[name]), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    assert [error.message for error in validator.iter_errors(examples()[name].value)] == []


@pytest.mark.parametrize("name", TYPES)
def test_an_example_survives_decoding_and_encoding_unchanged(name: str) -> None:
    example = examples()[name]
    attributes, message = decode(example.raw_headers, example.raw_value, messages(), closed=True)
    assert isinstance(message, messages()[name])
    headers, value = encode(message, attributes)
    assert dict(headers) == dict(example.raw_headers)
    assert json.loads(value) == example.value


@pytest.mark.parametrize("name", TYPES)
def test_an_examples_headers_agree_with_its_message(name: str) -> None:
    example = examples()[name]
    assert example.headers["ce_type"] == name
    assert example.headers["content-type"] == "application/json"
    if topic_of(name).template != "partner.{partner_id}.referrals.v1":
        assert example.headers.get("ce_subject") == example.value.get("referral_id")


@pytest.mark.parametrize("name", TYPES)
def test_an_example_has_the_key_that_its_topic_names(name: str) -> None:
    example, fields = examples()[name], topic_of(name).key.replace(",", "").split()
    candidates = [value for field in fields for found, value in leaves(example.value) if found == field]
    assert example.key in candidates


def test_event_ids_are_unique_over_all_examples() -> None:
    ids = [example.headers["ce_id"] for example in examples().values()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", TYPES)
def test_an_example_is_plainly_synthetic(name: str) -> None:
    for field, value in leaves(examples()[name].value):
        if field in {"name", "pseudonym"}:
            assert value.startswith("Example"), "people and organisations are called Example"
        if field == "narrative":
            assert value.startswith("Synthetic example.")
        if field == "telephone":
            assert value.startswith(("0100", "+44100")), "a range that is not in use"
        for host in re.findall(r"(?:@|://)([^/\s]+)", str(value)):
            assert host.endswith(".example"), "RFC 2606 keeps .example free"


@pytest.mark.parametrize("name", TYPES)
def test_an_examples_forces_and_districts_exist(name: str) -> None:
    for field, value in leaves(examples()[name].value):
        if field in {"force_id", "home_force", "interim_safeguarding_owner", "forces", "added", "told"}:
            assert value in forces()
        if field in {"district_code", "home_district_code"}:
            assert value in force_of_district()


def test_the_submitted_example_shows_every_form_of_identity() -> None:
    persons = examples()["uk.conduit.partner.referral-submitted.v1"].value["referral"]["persons"]
    kinds = {person["identity"]["kind"] for person in persons}
    assert kinds == {"named_with_consent", "named_without_consent", "pseudonymous"}


def test_a_force_that_is_not_home_gets_neither_narrative_nor_referral_in_the_example() -> None:
    value = examples()["uk.conduit.routing.case-disseminated.v1"].value
    assert value["force_id"] != value["home_force"]
    assert "referral" not in value
    assert "narrative" not in value["summary"]
    own = {place["place_id"] for place in value["places"]}
    assert all(set(person["place_ids"]) <= own for person in value["persons"])


def test_the_loader_gives_bytes_as_kafka_does() -> None:
    example = Example({"ce_id": "1"}, "k", {"a": 1})
    assert example.raw_headers == [("ce_id", b"1")]
    assert example.raw_value == b'{"a": 1}'
