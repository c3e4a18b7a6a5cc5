"""Settings from the environment, without a prefix. Secrets may stand in files; they are never printed."""

import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What every service is told by its surroundings. A service adds its own by subclassing."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True)

    kafka_bootstrap_servers: str
    postgres_dsn: SecretStr
    """postgresql://user:password@host:port/database, or with ?host=/directory for a Unix socket."""
    postgres_password_file: Path | None = None
    docs_dir: Path | None = None
    """The folder of the conduit's documents, `docs/api` in a checkout. Without it, there is nothing under /docs."""
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8000, ge=0, le=65535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    signing_keys_file: Path | None = None
    """A JWKS of the public keys with which officers' commands are signed. Read again when it changes."""
    local_signing_keys: bool = False
    """Whether a key for one machine is taken. Never where anybody's word counts."""

    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_sasl_password_file: Path | None = None
    kafka_ca_file: Path | None = None

    batch_max_records: int = Field(default=500, ge=1)
    gather_ms: int = Field(default=50, ge=0)
    """For how long records gather, at most, after a fetch that brought some. What comes after a pause does not wait."""
    gather_times: float = Field(default=3.0, gt=0)
    """They gather for so many times as long as the last batch took: who is hardly busy passes each record on at once."""
    partition_fetch_bytes: int = Field(default=4 * 1024 * 1024, ge=1_024)
    """How much of one partition is fetched at once. A batch that is larger comes whole, when its partition's turn comes."""
    commit_ms: int = Field(default=250, ge=0)
    """For how long offsets of handled records may wait for their commit. A crash repeats so much reading, and no effect."""
    session_timeout_ms: int = Field(default=10_000, ge=1_000)
    heartbeat_interval_ms: int = Field(default=500, ge=100)
    """How soon a process hears that another has left, and takes over its partitions."""
    rebalance_timeout_ms: int = Field(default=60_000, ge=1_000)
    metadata_max_age_ms: int = Field(default=3_000, ge=100)
    """How soon a new partner's or force's topic is read."""
    drain_seconds: float = Field(default=20.0, gt=0)
    """What SIGTERM grants work in flight. Keep it below the orchestrator's grace period."""

    dead_letter_limit: int = Field(default=50, ge=1)
    dead_letter_window: int = Field(default=200, ge=1)
    deliver_twice: bool = False
    """Test mode: every batch is processed twice, and the inbox must make the second time empty."""

    pool_size: int = Field(default=6, ge=2)
    statement_timeout_ms: int = Field(default=15_000, ge=0)
    lock_timeout_ms: int = Field(default=5_000, ge=0)
    migration_statement_timeout_ms: int = Field(default=300_000, ge=0)

    outbox_shards: int = Field(default=1, ge=1, le=64)
    relay_batch: int = Field(default=1_000, ge=1)
    relay_poll_ms: int = Field(default=50, ge=1)
    """How soon the relay sees what another process committed, while events come. What its own process commits wakes it."""
    relay_idle_ms: int = Field(default=500, ge=1)
    """The same where none came for a while: looking seldom is most of what an idle service saves."""
    relay_confirm_seconds: float = Field(default=30.0, gt=0)
    max_message_bytes: int = Field(default=1_900_000, ge=1_000)
    """Largest event a handler may publish. The topics take 2 MiB; the rest is for headers and framing."""
    inbox_retention: timedelta | None = None
    """For how long records are remembered, so that they take effect once. By default longer than any topic keeps them."""

    stall_seconds: float = Field(default=30.0, gt=0)
    """Lag without progress for so long makes the service not ready."""
    dead_seconds: float = Field(default=300.0, gt=0)
    """Lag without progress for so long, while the neighbours answer, makes it not alive."""
    lag_every_seconds: float = Field(default=5.0, gt=0)
    """How often the consumer looks how much waits."""

    @model_validator(mode="after")
    def _credentials_are_complete(self) -> Self:
        if self.kafka_security_protocol.startswith("SASL") and not (self.kafka_sasl_username and self.password()):
            raise ValueError("KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD or KAFKA_SASL_PASSWORD_FILE are needed")
        return self

    def password(self) -> str | None:
        """The Kafka password, from the environment or from its file."""
        if self.kafka_sasl_password_file is not None:
            return self.kafka_sasl_password_file.read_text(encoding="utf-8").strip()
        return self.kafka_sasl_password.get_secret_value() if self.kafka_sasl_password else None

    def postgres_arguments(self) -> dict[str, Any]:
        """What asyncpg is given to connect."""
        arguments: dict[str, Any] = {"dsn": self.postgres_dsn.get_secret_value()}
        if self.postgres_password_file is not None:
            arguments["password"] = self.postgres_password_file.read_text(encoding="utf-8").strip()
        return arguments

    def kafka_arguments(self) -> dict[str, Any]:
        """What consumers and producers alike are given to connect."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.kafka_bootstrap_servers,
            "security_protocol": self.kafka_security_protocol,
        }
        if self.kafka_security_protocol.endswith("SSL"):
            arguments["ssl_context"] = ssl.create_default_context(cafile=self.kafka_ca_file)
        if self.kafka_security_protocol.startswith("SASL"):
            arguments |= {
                "sasl_mechanism": self.kafka_sasl_mechanism,
                "sasl_plain_username": self.kafka_sasl_username,
                "sasl_plain_password": self.password(),
            }
        return arguments
