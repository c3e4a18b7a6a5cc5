"""The countries of ISO 3166-1 by their two letters, and the country that a wrong code probably means."""

import csv
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

UNITED_KINGDOM = "GB"
NOT_IN_THE_STANDARD_BUT_MEANT = "UK"
"""ISO 3166-1 sets these two letters aside for the United Kingdom and has GB for it. They are read as GB, with a warning."""
_MEANT = {
    "AN": "CW",
    "BU": "MM",
    "DA": "DK",
    "EL": "GR",
    "EN": "GB",
    "JA": "JP",
    "KO": "KR",
    "RP": "PH",
    "SP": "ES",
    "SU": "RU",
    "SW": "SE",
    "TP": "TL",
    "TU": "TR",
    "UC": "UA",
    "WL": "GB",
    "YU": "RS",
    "ZR": "CD",
}
"""Letters that people mistake for a country code: of a language, of car plates, of a former country."""


@cache
def countries() -> frozenset[str]:
    """All 249."""
    text = files("conduit_contracts").joinpath("reference", "countries.csv").read_text(encoding="utf-8")
    return frozenset(row["alpha_2"] for row in csv.DictReader(text.splitlines()))


def is_country(code: str) -> bool:
    """Whether a place can be in a country with this code."""
    return code in countries() or code == NOT_IN_THE_STANDARD_BUT_MEANT


def nearest(code: str) -> str | None:
    """The country that a wrong code most likely means."""
    if code in _MEANT:
        return _MEANT[code]
    alike = [each for each in sorted(countries()) if each[0] == code[:1]]
    near = get_close_matches(code, alike, n=1, cutoff=0.5)
    return near[0] if near else None
