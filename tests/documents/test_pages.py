"""The pages are for everybody: by keyboard, by ear, small, dark, and without scripts (WCAG 2.2, level AA)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from conduit_contracts.schemas import messages
from conduit_contracts.topics import REGISTRY
from conduit_generate.documents import asyncapi, openapi
from conduit_generate.documents.schemas import key_of
from conduit_generate.documents.shapes import rows, shape
from conduit_generate.documents.text import inline, paragraphs
from conduit_local.services import DOCS_DIR
from tests.documents.tools import browser, run_node

PAGES = ("index.html", "asyncapi.html", "openapi.html")
LOOKS = [{"width": 320, "scheme": "light"}, {"width": 1280, "scheme": "light"}, {"width": 800, "scheme": "dark"}]
"""320 pixels are a small telephone, and a desk at 400% zoom."""
ABROAD = {"script", "link", "img", "iframe", "object", "embed", "video", "audio", "form"}


@dataclass
class Read(HTMLParser):
    """What stands in a page."""

    text: str
    tags: Counter[str] = field(default_factory=Counter)
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    language: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags[tag] += 1
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if tag == "a" else []
        self.language = given.get("lang") or self.language


@cache
def page(name: str) -> Read:
    return Read((DOCS_DIR / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_needs_no_script_and_nothing_from_elsewhere(name: str) -> None:
    read = page(name)
    assert not ABROAD & read.tags.keys()
    assert [word for word in ("http-equiv", "@import", "url(", " onclick", "javascript:") if word in read.text] == []
    assert [link for link in read.links if ":" in link.partition("#")[0]] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_its_landmarks_one_heading_and_a_language(name: str) -> None:
    tags = page(name).tags
    assert (tags["h1"], tags["main"], tags["header"], tags["footer"]) == (1, 1, 1, 1)
    assert page(name).language == "en-GB"
    assert page(name).links[0] == "#main"


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_to_something(name: str) -> None:
    read = page(name)
    assert [each for each, times in Counter(read.ids).items() if times > 1] == []
    for link in read.links:
        file, _, fragment = link.partition("#")
        assert (DOCS_DIR / (file or name)).is_file(), link
        if fragment:
            assert fragment in page(file or name).ids, link


def test_the_page_on_topics_leaves_out_no_topic_message_or_type() -> None:
    ids = page("asyncapi.html").ids
    assert {f"topic-{asyncapi.channel_key(topic)}" for topic in REGISTRY} <= set(ids)
    assert {f"message-{key_of(message)}" for message in messages().values()} <= set(ids)
    schemas = asyncapi.document()["components"]["schemas"].keys() - {key_of(message) for message in messages().values()}
    assert {f"type-{name}" for name in schemas} <= set(ids)


def test_the_page_on_http_leaves_out_no_request_and_no_type() -> None:
    document = openapi.document()
    wanted = {operation["operationId"] for methods in document["paths"].values() for operation in methods.values()}
    assert wanted | {f"type-{name}" for name in document["components"]["schemas"]} <= set(page("openapi.html").ids)


@pytest.fixture(scope="module")
def visits() -> list[dict[str, Any]]:
    """Every page in every look."""
    task = {
        "browser": browser(),
        "pages": [(DOCS_DIR / name).as_uri() for name in PAGES],
        "looks": LOOKS,
    }
    found: list[dict[str, Any]] = run_node("browser.mjs", task)
    assert len(found) == len(PAGES) * len(LOOKS)
    return found


@pytest.mark.long
def test_axe_finds_nothing(visits: list[dict[str, Any]]) -> None:
    assert [(visit["url"], visit["scheme"], visit["width"], each) for visit in visits for each in visit["violations"]] == []


@pytest.mark.long
def test_nothing_has_to_be_scrolled_sideways_or_is_cut_off(visits: list[dict[str, Any]]) -> None:
    for visit in visits:
        assert (visit["overflow"], visit["opened"], visit["spaced"], visit["clipped"]) == (0, 0, 0, []), visit["url"]


@pytest.mark.long
def test_a_browser_asks_for_nothing_else(visits: list[dict[str, Any]]) -> None:
    assert [visit["requests"] for visit in visits if visit["requests"]] == []


@pytest.mark.long
def test_the_keyboard_goes_everywhere_and_is_seen(visits: list[dict[str, Any]]) -> None:
    for visit in visits:
        keyboard = visit["keyboard"]
        assert keyboard["steps"][0]["text"] == "Skip to the content"
        assert [step for step in keyboard["steps"] if not (step["ring"] and step["seen"])] == [], visit["url"]
        assert keyboard["skipped"] == "main"
        assert keyboard["after"]
        assert keyboard["opens"] in (True, None)


@pytest.mark.long
def test_the_check_itself_sees_faults(tmp_path: Path) -> None:
    text = (DOCS_DIR / "index.html").read_text(encoding="utf-8")
    faulty = text.replace('lang="en-GB"', "").replace("--text: #1a1f26", "--text: #b9bec6")
    faulty = faulty.replace(
        "<footer>", '<div style="width: 900px">wide</div><img src="https://example.invalid/x.png"><footer>'
    )
    faulty = faulty.replace("outline: 3px solid", "outline: 0 solid")
    (tmp_path / "faulty.html").write_text(faulty)
    task = {"browser": browser(), "pages": [(tmp_path / "faulty.html").as_uri()], "looks": LOOKS[:1]}
    (visit,) = run_node("browser.mjs", task)
    assert {"html-has-lang", "color-contrast", "image-alt"} <= {each["id"] for each in visit["violations"]}
    assert visit["overflow"] > 0
    assert visit["requests"]
    assert not visit["keyboard"]["steps"][0]["ring"]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string", "maxLength": 5}, "text, at most 5 characters"),
        ({"type": "string", "minLength": 1, "maxLength": 4000}, "text, 1 to 4,000 characters"),
        ({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]}, "whole number or null, at least 0"),
        (
            {"type": "array", "items": {"$ref": "#/components/schemas/Person"}, "maxItems": 3},
            "list of Person, at most 3 entries",
        ),
        ({"allOf": [{"$ref": "#/components/schemas/Sex"}], "default": "other"}, "Sex"),
        ({"oneOf": [{"$ref": "#/a/A"}, {"$ref": "#/a/B"}]}, "A or B"),
        ({"type": "string", "format": "date-time"}, "time"),
        ({"type": ["string", "null"], "format": "uuid"}, "UUID or null"),
        ({"type": "string", "format": "uuid", "pattern": "^[0-9a-f]{8}-7[0-9a-f]{3}$"}, "UUID, version 7"),
        ({"const": "1.0"}, "always 1.0"),
        ({"enum": ["a", "b"]}, "one of a, b"),
        ({}, "any JSON"),
        ({"type": "string", "format": "unheard-of"}, "text"),
    ],
)
def test_a_schema_is_said_in_words(schema: dict[str, Any], words: str) -> None:
    told = shape(schema)
    values = f" {', '.join(told.values)}" if told.values else ""
    assert ", ".join(["".join(part.text for part in told.parts) + values, *told.limits]) == words


def test_the_fields_of_an_object_include_those_of_its_parts() -> None:
    schema = {"allOf": [{"properties": {"a": {}, "b": {}}, "required": ["a"]}, {"properties": {"b": {"const": 1}}}]}
    assert [(row.name, row.required) for row in rows(schema)] == [("a", True), ("b", False)]


def test_text_is_escaped_before_it_is_marked_up() -> None:
    assert inline("`<a>` **b** & c") == "<code>&lt;a&gt;</code> <strong>b</strong> &amp; c"
    assert paragraphs("one\ntwo\n\n- three\n- `four`") == "<p>one two</p>\n<ul><li>three</li><li><code>four</code></li></ul>"
