"""The hash of what a referral or an addition means, however it is spelt: what a partner and the hub's officers compare.

`python -m conduit_contracts.meaning referral.json` writes it for a file: a referral or an addition as it is sent by HTTP, or
a record's value as it is sent by Kafka. The hub gives the same in its receipt and shows the same to officers.
"""

import argparse
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from pydantic_core import from_json, to_json

from conduit_contracts.base import Value
from conduit_contracts.envelope import Undecodable, read_message
from conduit_contracts.referral import Referral, Supplement

_WHOLE: Mapping[str, type[Referral | Supplement]] = {"referral": Referral, "supplement": Supplement}
"""What a record's value has it in."""
_OF_REFERRALS_ALONE = "narrative"
_NESTED = (dict, list)


def content_hash(value: Value) -> bytes:
    """SHA-256 of what the value means, however it is spelt: instants in UTC, lists as sets, defaults left out.

    So spacing, the order of keys, a time's zone and defaults spelt out do not count, and a contract may add optional fields.
    """
    elsewhere = {
        name: held.astimezone(UTC) for name, held in vars(value).items() if isinstance(held, datetime) and held.utcoffset()
    }
    said = value.model_copy(update=elsewhere) if elsewhere else value
    return sha256(to_json(_as_sets(from_json(canonical(said))))).digest()


def canonical(value: Value) -> bytes:
    """Fields in the contract's order, defaults left out."""
    return value.__pydantic_serializer__.to_json(value, exclude_defaults=True)


def hash_of_text(text: bytes) -> str:
    """The hash of a referral or an addition as it is sent, in hexadecimal digits.

    Raises:
        Undecodable: it is neither, or something in it is not in order.
    """
    model, sent = _sent(text)
    return content_hash(cast("Value", read_message(model, sent, closed=True, again=True))).hex()


def _sent(text: bytes) -> tuple[type[Referral | Supplement], bytes]:
    """The referral or the addition in it, alone or in a record's value, whose event may be around it."""
    try:
        found = from_json(text)
    except ValueError:
        return Supplement, text  # whoever reads it says what is wrong
    if isinstance(found, dict) and isinstance(found.get("data"), dict):
        found = found["data"]
    inner = {} if not isinstance(found, dict) else found
    for name, model in _WHOLE.items():
        if isinstance(inner.get(name), dict):
            return model, to_json(inner[name])
    return Referral if _OF_REFERRALS_ALONE in inner else Supplement, to_json(found)


def _as_sets(node: Any) -> Any:
    """Every list of a referral is a set: persons and places have ids, and words say the same in any order.

    Most of a referral is plain values, and most lists have one entry: neither is looked at further.
    """
    if isinstance(node, dict):
        return {
            name: _as_sets(inner) if isinstance(inner, _NESTED) else inner
            for name, inner in node.items()
            if inner or not isinstance(inner, _NESTED)
        }
    if isinstance(node, list):
        inside = [_as_sets(inner) if isinstance(inner, _NESTED) else inner for inner in node]
        return inside if len(inside) == 1 else [each for _, each in sorted({to_json(each): each for each in inside}.items())]
    return node


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 where every file has a hash, 1 where one cannot be read as what a partner sends."""
    parser = argparse.ArgumentParser(prog="python -m conduit_contracts.meaning", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    ended = 0
    for path in parser.parse_args(arguments).files:
        try:
            sys.stdout.write(f"{hash_of_text(path.read_bytes())}  {path}\n")
        except Undecodable as error:
            sys.stderr.writelines(f"{path}: {each.field}: {each.message}\n" for each in error.problems)
            ended = 1
        except OSError:
            sys.stderr.write(f"{path}: this file cannot be read\n")
            ended = 1
    return ended


if __name__ == "__main__":
    raise SystemExit(main())
