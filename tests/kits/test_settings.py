"""How a client comes in, and what it is told when something is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conduit_contracts.kits import KafkaSettings, SettingsError

ADDRESS = {"KAFKA_BOOTSTRAP_SERVERS": "broker.example:9092"}
SECURED = {**ADDRESS, "KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "partner.a"}


def test_the_address_alone_is_enough_for_a_broker_without_security() -> None:
    assert KafkaSettings.from_environment(ADDRESS).arguments() == {
        "bootstrap_servers": "broker.example:9092",
        "security_protocol": "PLAINTEXT",
    }


def test_credentials_are_used_and_never_shown() -> None:
    settings = KafkaSettings.from_environment({**SECURED, "KAFKA_SASL_PASSWORD": "canary"})
    arguments = settings.arguments()
    assert arguments["ssl_context"].check_hostname
    assert (arguments["sasl_mechanism"], arguments["sasl_plain_username"]) == ("SCRAM-SHA-512", "partner.a")
    assert arguments["sasl_plain_password"] == "canary"
    assert "canary" not in repr(settings)


def test_a_password_may_stand_in_a_file(tmp_path: Path) -> None:
    kept = tmp_path / "password"
    kept.write_text("from a file\n")
    settings = KafkaSettings.from_environment({**SECURED, "KAFKA_SASL_PASSWORD_FILE": str(kept)})
    assert settings.password == "from a file"


def test_a_file_of_variables_is_read_as_a_shell_would(tmp_path: Path) -> None:
    kept = tmp_path / "partner.a.env"
    kept.write_text("# comment\nKAFKA_BOOTSTRAP_SERVERS='a b:1'\nKAFKA_CA_FILE=/ca.pem\n\n")
    settings = KafkaSettings.from_file(kept)
    assert (settings.bootstrap_servers, settings.ca_file) == ("a b:1", Path("/ca.pem"))


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, "KAFKA_BOOTSTRAP_SERVERS"),
        (SECURED, "KAFKA_SASL_PASSWORD"),
        ({**ADDRESS, "KAFKA_SECURITY_PROTOCOL": "SASL"}, "KAFKA_SECURITY_PROTOCOL"),
        ({**ADDRESS, "KAFKA_SASL_MECHANISM": "GSSAPI"}, "KAFKA_SASL_MECHANISM"),
        ({**SECURED, "KAFKA_SASL_PASSWORD_FILE": "/not/there"}, "KAFKA_SASL_PASSWORD_FILE"),
    ],
)
def test_what_is_missing_is_named(environ: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        KafkaSettings.from_environment(environ)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no file .*partner\.a\.env"):
        KafkaSettings.from_file(tmp_path / "partner.a.env")


WITHOUT_AIOKAFKA = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "aiokafka":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from conduit_contracts.kits import KafkaSettings, MissingExtraError
from conduit_contracts.kits.partner import PartnerKit
from conduit_contracts.kits.force import ForceKit
for make in (lambda: PartnerKit("a", KafkaSettings("b:1")), lambda: ForceKit("a", KafkaSettings("b:1"), ":memory:")):
    try:
        make()
    except MissingExtraError as error:
        print(error)
"""


def test_without_the_extra_the_error_says_how_to_install_it() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_AIOKAFKA], capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("pip install 'conduit-contracts[kafka]'") == 2
