"""Route templates: all that metrics, logs and `Allow` may show of a path. They come from the OpenAPI document."""

import re
from collections.abc import Mapping
from typing import Any

NONE = "none"
_PARAMETER = re.compile(r"\{[a-z_]+\}")
_PUBLIC = {"/openapi.json": ("GET",)}
_KNOWN = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Paths:
    """The templates and their methods."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        described = {
            template: tuple(method.upper() for method in methods) for template, methods in document["paths"].items()
        }
        self._methods = {**described, **_PUBLIC}
        self._patterns = [
            (re.compile("[^/]+".join(re.escape(part) for part in _PARAMETER.split(template))), template)
            for template in self._methods
        ]

    def template(self, path: str) -> str:
        """The template that a path has, or NONE."""
        return next((template for pattern, template in self._patterns if pattern.fullmatch(path)), NONE)

    def allow(self, path: str) -> str:
        """The value of `Allow`. Where a resource can be read, its head can."""
        methods = self._methods.get(self.template(path), ())
        return ", ".join([*methods, *(["HEAD"] if "GET" in methods else [])])


def method_label(method: str) -> str:
    """A method for a metric: what a client invents is one value."""
    return method if method in _KNOWN else "other"
