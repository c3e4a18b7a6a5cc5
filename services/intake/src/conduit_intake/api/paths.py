"""Route templates: all that metrics, logs and `Allow` may show of a path. They come from the OpenAPI document."""

import re
from collections.abc import Mapping
from typing import Any

from conduit_chassis.http.requests import NO_ROUTE

_PARAMETER = re.compile(r"\{[a-z_]+\}")
_PUBLIC = {"/openapi.json": ("GET",)}


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
        """The template that a path has, or NO_ROUTE."""
        return next((template for pattern, template in self._patterns if pattern.fullmatch(path)), NO_ROUTE)

    def allow(self, path: str) -> str:
        """The value of `Allow`. Where a resource can be read, its head can."""
        methods = self._methods.get(self.template(path), ())
        return ", ".join([*methods, *(["HEAD"] if "GET" in methods else [])])
