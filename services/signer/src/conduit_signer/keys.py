"""The private key: in one file, read by one process, shown to nobody."""

from pathlib import Path

import structlog

from conduit_chassis.errors import ConfigurationError
from conduit_chassis.signed import KeysFile
from conduit_contracts.signing_keys import KeysUnusableError, SigningKey

_OTHERS = 0o007
_GROUP_WRITES = 0o020

_log = structlog.get_logger()


class KeyFile:
    """The key as its file has it now. A file that cannot be used any more leaves the key that was read last."""

    def __init__(self, path: Path, *, local: bool = False) -> None:
        """Raises ConfigurationError where the file cannot be used, or others can read it."""
        self._path, self._local = path, local
        try:
            self._stamp = self._look()
            self._key = self._read()
        except OSError as error:
            raise ConfigurationError(f"SIGNING_KEY_FILE: {error.strerror or 'cannot be read'}") from None
        except KeysUnusableError as error:
            raise ConfigurationError(f"SIGNING_KEY_FILE: {error}") from None

    def __call__(self) -> SigningKey:
        """The key to sign with."""
        try:
            stamp = self._look()
            if stamp != self._stamp:
                self._stamp = stamp
                self._key = self._read()
                _log.info("signing_key_read")
        except (OSError, KeysUnusableError) as error:
            _log.error("signing_key_unusable", exc_info=error)
        return self._key

    def _look(self) -> tuple[int, ...]:
        found = self._path.stat()
        return (found.st_mtime_ns, found.st_ino, found.st_size)

    def _read(self) -> SigningKey:
        mode = self._path.stat().st_mode
        if mode & _OTHERS or mode & _GROUP_WRITES:
            raise KeysUnusableError("others than its owner can read or change it; chmod 600 it")
        key = SigningKey.read(self._path.read_bytes())
        if key.public().is_local and not self._local:
            raise KeysUnusableError("this is a key for one machine, with which nothing is signed here")
        return key


def trouble_with(key: SigningKey, trusted: KeysFile | None) -> str | None:
    """Why what this key signs would be refused, as far as that can be told here."""
    if trusted is None:
        return None
    found = trusted().find(key.kid)
    if found is None:
        return "the signing key is not among the trusted keys"
    return "the signing key is retired" if found.retired_at is not None else None
