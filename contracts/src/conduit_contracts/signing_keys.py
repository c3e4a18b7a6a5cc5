"""The keys with which officers' commands are signed (RFC 8037, Ed25519), and the set of those that a service trusts.

A set is a JWKS (RFC 7517) of public keys. Each has a `kid`, and one that signs no more has `retired_at`, in seconds since
1970: what the broker took before then stays good, so that history can be verified for as long as the set is kept.

Needs `pip install 'conduit-contracts[signing]'`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from conduit_contracts.kits.extras import load

CURVE = "Ed25519"
LOCAL = "local."
"""What the `kid` of a key for one machine begins with. Such keys lie about in checkouts, so nowhere else are they taken."""
MOST_KEYS = 100
_KID = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_PUBLIC = frozenset({"kty", "crv", "x", "kid", "use", "alg", "key_ops", "retired_at"})


class KeysUnusableError(ValueError):
    """This is not a key, or not a set of keys. The text says what is wrong with it, and holds nothing of a key."""


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key, as joserfc has it, and until when it signed."""

    kid: str
    key: Any
    retired_at: datetime | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is a key for one machine."""
        return self.kid.startswith(LOCAL)

    def jwk(self) -> dict[str, Any]:
        """The public key as a member of a JWKS."""
        named = {"kty": "OKP", "crv": CURVE, "x": self.key.as_dict(private=False)["x"]}
        made: dict[str, Any] = {**named, "kid": self.kid, "use": "sig", "alg": CURVE}
        return made if self.retired_at is None else {**made, "retired_at": int(self.retired_at.timestamp())}


class TrustedKeys:
    """The public keys whose signatures are good, by `kid`."""

    def __init__(self, keys: Iterable[TrustedKey] = ()) -> None:
        self._keys: dict[str, TrustedKey] = {}
        for each in keys:
            if each.kid in self._keys:
                raise KeysUnusableError("two keys have the same kid")
            self._keys[each.kid] = each

    @classmethod
    def read(cls, text: str | bytes, *, local: bool = False) -> "TrustedKeys":
        """The keys of a JWKS. `local` takes keys for one machine as well.

        Raises:
            KeysUnusableError: it is no set of public Ed25519 keys with a `kid` each.
        """
        members = _object(text).get("keys")
        if not isinstance(members, list) or not members or len(members) > MOST_KEYS:
            raise KeysUnusableError(f"a JWKS has a list named keys, of 1 to {MOST_KEYS} keys")
        found = cls(_public(each) for each in members)
        if not local and any(each.is_local for each in found):
            raise KeysUnusableError(f"a kid that begins with {LOCAL} names a key for one machine, which is not taken here")
        return found

    def find(self, kid: str) -> TrustedKey | None:
        """The key of this name."""
        return self._keys.get(kid)

    def __iter__(self) -> Iterator[TrustedKey]:
        """Every key, in the order of the set."""
        return iter(self._keys.values())

    def text(self) -> str:
        """The set as JSON, for a file."""
        return json.dumps({"keys": [each.jwk() for each in self]}, indent=2) + "\n"


class SigningKey:
    """A private key. It prints as its `kid`."""

    def __init__(self, kid: str, key: Any) -> None:
        self.kid = kid
        self.key = key

    def __repr__(self) -> str:
        """Nothing of the key itself."""
        return f"SigningKey({self.kid})"

    @classmethod
    def generate(cls, kid: str) -> "SigningKey":
        """A new key.

        Raises:
            KeysUnusableError: the `kid` is no name for one.
        """
        return cls(_checked_kid(kid), load("joserfc.jwk", "signing").OKPKey.generate_key(CURVE, {"kid": kid}))

    @classmethod
    def read(cls, text: str | bytes) -> "SigningKey":
        """A private key as a JWK.

        Raises:
            KeysUnusableError: it is no private Ed25519 key with a `kid`.
        """
        member = _object(text)
        if not isinstance(member.get("d"), str):
            raise KeysUnusableError("this is no private key")
        return cls(_checked_kid(member.get("kid")), _imported(member))

    def text(self) -> str:
        """The private key as a JWK, for a file that nobody else may read."""
        return json.dumps({**self.key.as_dict(private=True), "kid": self.kid, "use": "sig", "alg": CURVE}) + "\n"

    def public(self) -> TrustedKey:
        """What others verify with."""
        return _public({name: value for name, value in json.loads(self.text()).items() if name in _PUBLIC})


def _object(text: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise KeysUnusableError("this is not JSON") from None
    if not isinstance(found, dict):
        raise KeysUnusableError("this is not a JSON object")
    return found


def _checked_kid(kid: object) -> str:
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise KeysUnusableError("a kid has up to 64 lower-case letters, digits, . and -")
    return kid


def _public(member: object) -> TrustedKey:
    if not isinstance(member, dict):
        raise KeysUnusableError("a key is a JSON object")
    if "d" in member or not member.keys() <= _PUBLIC:
        raise KeysUnusableError("a set of trusted keys holds public keys alone; this one holds more")
    kid = _checked_kid(member.get("kid"))
    return TrustedKey(kid, _imported(member), _retired(member.get("retired_at")))


def _imported(member: Mapping[str, Any]) -> Any:
    if (member.get("kty"), member.get("crv")) != ("OKP", CURVE) or member.get("alg", CURVE) != CURVE:
        raise KeysUnusableError(f"only {CURVE} keys sign officers' commands")
    if member.get("use", "sig") != "sig":
        raise KeysUnusableError("this key is not for signing")
    named = {name: member[name] for name in ("kty", "crv", "x", "d", "kid") if name in member}
    try:
        key = load("joserfc.jwk", "signing").OKPKey.import_key(named)
        key.raw_value  # noqa: B018 - joserfc looks at the numbers when they are first used
    except Exception:  # whatever a library makes of it
        raise KeysUnusableError("this is not a key") from None
    return key


def _retired(said: object) -> datetime | None:
    if said is None:
        return None
    if not isinstance(said, int) or isinstance(said, bool) or not 0 < said < 2**33:
        raise KeysUnusableError("retired_at is a time in seconds since 1970")
    return datetime.fromtimestamp(said, UTC)
