"""Pages without scripts and without anything from elsewhere: each is one file, and reads the same served or opened."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from conduit_generate.documents import text
from conduit_generate.documents.asyncapi_view import asyncapi_view
from conduit_generate.documents.openapi_view import openapi_view
from conduit_generate.documents.shapes import Row, Shape, rows, shape

Json: TypeAlias = Mapping[str, Any]

ASYNCAPI, OPENAPI, INDEX = "asyncapi.html", "openapi.html", "index.html"


@dataclass(frozen=True, slots=True)
class Page:
    """A page as the others link to it."""

    file: str
    name: str
    heading: str = ""
    about: str = ""
    source: str = ""
    standard: str = ""


_OVERVIEW = Page(INDEX, "Overview", about="How to speak with the conduit, by Kafka and by HTTP.")
_TOPICS = Page(
    ASYNCAPI,
    "Topics",
    "Topics and messages (Kafka)",
    "Every topic with who may write and read it, every message with its fields and an example, and how a record is written.",
    "asyncapi.json",
    "AsyncAPI 3.0",
)
_HTTP = Page(
    OPENAPI,
    "HTTP",
    "HTTP interface for partners",
    "Every request with its parameters, bodies and answers, the errors included.",
    "openapi.json",
    "OpenAPI 3.1",
)
_PAGES = (_OVERVIEW, _TOPICS, _HTTP)


@dataclass(frozen=True, slots=True)
class Named:
    """A type that others refer to."""

    name: str
    about: str
    rows: list[Row]
    shape: Shape
    example: str | None


def pages(asyncapi: Json, openapi: Json) -> dict[str, str]:
    """Each page's text by its file's name."""
    topics, http = asyncapi_view(asyncapi), openapi_view(openapi)
    return {
        INDEX: _render(_OVERVIEW, asyncapi, {}),
        ASYNCAPI: _render(_TOPICS, asyncapi, topics | {"named": list(named(asyncapi, topics["told"]))}),
        OPENAPI: _render(_HTTP, openapi, http | {"named": list(named(openapi, ()))}),
    }


def named(document: Json, told: Iterable[str]) -> Iterator[Named]:
    """The document's types by name, without those that are told elsewhere."""
    schemas = document.get("components", {}).get("schemas", {})
    for name in sorted(schemas.keys() - set(told)):
        found = shape(schemas[name])
        examples = [json.dumps(each, indent=2, ensure_ascii=False) for each in schemas[name].get("examples", ())]
        yield Named(name, found.about, rows(schemas[name]), found, next(iter(examples), None))


def _render(page: Page, document: Json, view: Json) -> str:
    template = _environment().get_template(page.file)
    version = document["info"]["version"]
    lines = template.render(pages=_PAGES, here=page, version=version, **view).splitlines()
    return "\n".join(line.rstrip() for line in lines if line.strip()) + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"inline": text.inline, "paragraphs": text.paragraphs}
    return environment
