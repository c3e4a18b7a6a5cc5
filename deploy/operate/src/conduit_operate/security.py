"""What a broker's clients' listener asks for, as a value: it is made in `secured.py`, and used where a broker is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Security:
    """What the clients' listener asks for: nothing by default.

    `properties` are added to server.properties, `format_options` to the storage format, where SCRAM users begin,
    and `client` is what the admin client needs to get in.
    """

    protocol: str = "PLAINTEXT"
    controller_protocol: str = "PLAINTEXT"
    properties: Mapping[str, str] = field(default_factory=dict)
    format_options: Sequence[str] = ()
    client: Mapping[str, str] = field(default_factory=dict)
