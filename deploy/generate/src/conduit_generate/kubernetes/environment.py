"""One environment: what differs between a pilot and a national service, and who takes part there.

It is read from `environment.toml` in an overlay's folder, closed: a misspelt key stops the writing.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from conduit_contracts.geography import forces
from conduit_contracts.topic import DESKS
from conduit_contracts.topics import SERVICES
from conduit_web.settings import DeskSettings

_HTTPS = 443
FILE = "environment.toml"
Generations = Annotated[tuple[int, ...], Field(min_length=1, max_length=2)]
"""Numbers of the credentials that are valid: two while they change (`conduit_operate.access.user_of`)."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Images(_Part):
    """Where the services' images are: `<registry>/conduit-<service>:<version>`."""

    registry: str
    version: str = Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")


class Hosts(_Part):
    """Names under which partners and forces find the hub, and people its desks."""

    api: str
    kafka: str
    console: str
    programme: str

    @model_validator(mode="after")
    def _each_has_its_own(self) -> Hosts:
        """Of two at one host, one would take all requests."""
        if len({self.api, *map(self.of, DESKS)}) <= len(DESKS):
            raise ValueError("the partner API and each desk need a host of their own")
        return self

    def of(self, desk: str) -> str:
        """Where browsers find this desk."""
        return str(getattr(self, desk))


class Gateway(_Part):
    """The platform's Gateway (Gateway API) that ends TLS for the partner API and the desks."""

    name: str
    namespace: str


class Network(_Part):
    """Addresses outside the cluster that something inside must reach. CIDRs."""

    api_server: tuple[str, ...]
    """Kubernetes' own API, after the service address was translated."""
    smtp: tuple[str, ...]
    identity_providers: tuple[str, ...]
    """Those by which people sign in. 0.0.0.0/0 for one whose addresses change: it leaves out `private`."""
    private: tuple[str, ...] = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10")
    """What "the internet" leaves out, so that a webhook's address can't lead inwards."""


class Mail(_Part):
    """Where notices go out. The password is a secret."""

    host: str
    port: int = 587
    sender: str
    username: str
    hub_email: str
    supervisors_email: str | None = None
    """Whom notices about opened restricted cases go to; the hub's contacts without it."""


class IdentityProvider(_Part):
    """By which people sign in at the desks (OpenID Connect). The clients' secrets are in the store."""

    name: str
    label: str
    issuer: str
    clients: dict[str, str] = Field(min_length=1)
    """The client of each desk at which people sign in by it: a partner's or a force's provider has none of the console."""
    second_factor_amr: tuple[str, ...] = ("mfa",)
    second_factor_acr: tuple[str, ...] = ()
    page_origins: tuple[str, ...] = ()
    id_token_hint: bool = False

    @property
    def port(self) -> int:
        """Where the provider listens."""
        return urlsplit(self.issuer).port or _HTTPS

    def told(self, desk: str, secret_file: str) -> dict[str, Any]:
        """As the desk is told of it."""
        known = self.model_dump(exclude_defaults=True, exclude={"clients"}, mode="json")
        return {**known, "client_id": self.clients[desk], "client_secret_file": secret_file}

    @model_validator(mode="after")
    def _clients_are_of_desks(self) -> IdentityProvider:
        if unknown := self.clients.keys() - set(DESKS):
            raise ValueError(f"clients: {', '.join(sorted(unknown))}: there are {' and '.join(DESKS)}")
        return self


class Store(_Part):
    """Secrets and backups."""

    secret_store: str
    """A ClusterSecretStore of the External Secrets Operator."""
    secret_prefix: str
    identity_authority: bool = False
    """Whether it has who vouches for the identity providers' certificates, where that is an organisation's own authority."""
    storage_class: str
    backup_path: str
    backup_endpoint: str
    backup_days: int = Field(ge=7)


class Kafka(_Part):
    """Brokers; with `controllers` they are apart, without each broker is a controller too."""

    brokers: int = Field(ge=3)
    controllers: int = Field(default=0)
    broker_disk: str
    controller_disk: str = "10Gi"
    memory: str
    heap: str
    cpu: str

    @model_validator(mode="after")
    def _a_majority_can_be_counted(self) -> Kafka:
        voters = self.controllers or self.brokers
        if voters < 3 or voters % 2 == 0:
            raise ValueError("the controllers are 3 or 5: fewer survive no failure, and an even number survives no more")
        return self


class Postgres(_Part):
    """CloudNativePG instances: one primary, the rest standbys."""

    instances: int = Field(ge=3)
    disk: str
    wal_disk: str
    memory: str
    cpu: str
    shared_buffers: str


class Size(_Part):
    """Of one service. `most` is a wish: no service gets more replicas than partitions it could share out."""

    least: int = Field(ge=2)
    most: int = Field(ge=2)
    cpu: str
    cpu_limit: str
    memory: str


class Environment(_Part):
    """All of it."""

    name: str
    images: Images
    hosts: Hosts
    gateway: Gateway
    network: Network
    mail: Mail
    store: Store
    kafka: Kafka
    postgres: Postgres
    identity_providers: tuple[IdentityProvider, ...]
    services: dict[str, Size]
    partners: dict[str, Generations] = Field(default_factory=dict)
    forces: dict[str, Generations] = Field(default_factory=dict)
    """Every force has its topics; those named here have credentials as well."""

    @model_validator(mode="after")
    def _names_are_known(self) -> Environment:
        if set(self.services) != set(SERVICES):
            raise ValueError(f"services: sizes are wanted for {', '.join(SERVICES)}, and for no other")
        if unknown := self.forces.keys() - forces().keys():
            raise ValueError(f"forces: {', '.join(sorted(unknown))}: no such force")
        return self

    @model_validator(mode="after")
    def _people_can_sign_in(self) -> Environment:
        """As each desk itself will judge it."""
        for desk in DESKS:
            known = [each.told(desk, "") for each in self.providers_of(desk)]
            try:
                DeskSettings.model_validate({"public_url": self.url_of(desk), "identity_providers": known})
            except ValidationError as error:
                said = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_input=False)]
                raise ValueError(f"{desk}: {'; '.join(said)}") from None
        return self

    def providers_of(self, desk: str) -> tuple[IdentityProvider, ...]:
        """Those that the desk has a client at."""
        return tuple(each for each in self.identity_providers if desk in each.clients)

    def url_of(self, desk: str) -> str:
        """The address by which browsers find the desk."""
        return f"https://{self.hosts.of(desk)}"


def read_environment(folder: Path) -> Environment:
    """Raises pydantic.ValidationError naming what cannot be used."""
    return Environment.model_validate(tomllib.loads((folder / FILE).read_text(encoding="utf-8")))
