"""Migrates one service's database and ends: `python -m conduit_chassis.migrate_only conduit_intake`.

A service does the same at its start, under the same lock, so this may run before, beside or instead of it. It is for
releases on a cluster: a migration that fails is seen before any process of the old release is replaced.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import structlog
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from conduit_chassis import log, migrate
from conduit_chassis.errors import ConfigurationError
from conduit_chassis.runtime import Service
from conduit_chassis.settings import Settings

_log = structlog.get_logger()

EXIT_OK, EXIT_FAILED, EXIT_CONFIGURATION = 0, 1, 2


class MigrationSettings(BaseSettings):
    """The part of a service's settings that concerns its database; nothing of Kafka is needed."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    postgres_dsn: SecretStr
    postgres_password_file: Path | None = None
    lock_timeout_ms: int = Field(default=Settings.model_fields["lock_timeout_ms"].default, ge=0)
    migration_statement_timeout_ms: int = Field(
        default=Settings.model_fields["migration_statement_timeout_ms"].default, ge=0
    )

    def password(self) -> str | None:
        """The password, from its file; None where the DSN has it."""
        if self.postgres_password_file is None:
            return None
        return self.postgres_password_file.read_text(encoding="utf-8").strip()


def main(arguments: Sequence[str]) -> int:
    """Returns 0 once the database is as the service wants it, 1 where it is not reached or not migrated, 2 for misuse."""
    if len(arguments) != 1:
        return _misuse("usage: python -m conduit_chassis.migrate_only PACKAGE, for example conduit_intake")
    try:
        service = _service(arguments[0])
        settings = MigrationSettings()
    except ConfigurationError as error:
        return _misuse(str(error))
    except ValidationError as error:
        return _misuse("\n".join(f"{'.'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors()))
    log.configure(service.name, "INFO")
    return _migrate(service, settings)


def _service(package: str) -> Service[Any]:
    try:
        found = import_module(f"{package}.app").SERVICE
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"{package} is no service that is installed here") from error
    if not isinstance(found, Service):
        raise ConfigurationError(f"{package} is no service that is installed here")
    return found


def _migrate(service: Service[Any], settings: MigrationSettings) -> int:
    try:
        applied = migrate.migrate(
            settings.postgres_dsn.get_secret_value(),
            *service.brought,
            service.migrations,
            password=settings.password(),
            lock_timeout_ms=settings.lock_timeout_ms,
            statement_timeout_ms=settings.migration_statement_timeout_ms,
        )
    except (migrate.MigrationError, migrate.UNREACHABLE) as error:
        _log.error("not_migrated", exc_info=error)
        if isinstance(error, migrate.MigrationError):
            sys.stderr.write(f"{error}\n")
        return EXIT_FAILED
    for name in applied:
        _log.info("migrated", migration=name)
    _log.info("migrations_complete", count=len(applied))
    return EXIT_OK


def _misuse(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return EXIT_CONFIGURATION


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
