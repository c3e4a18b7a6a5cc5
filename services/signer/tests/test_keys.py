"""The private key: its owner's alone, exchanged while the signer runs, and of no use where it is not trusted."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from conduit_chassis.errors import ConfigurationError
from conduit_chassis.signed import KeysFile
from conduit_contracts.signing_keys import SigningKey, TrustedKey, TrustedKeys
from conduit_signer.keys import KeyFile, trouble_with
from conduit_signer.settings import SignerSettings


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o666, 0o620])
def test_a_key_that_others_can_read_or_change_is_not_used(key_path: Path, mode: int) -> None:
    key_path.chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        KeyFile(key_path)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o640])
def test_an_owner_or_a_mounted_secrets_group_may_read_it(key_path: Path, mode: int, key: SigningKey) -> None:
    key_path.chmod(mode)
    assert KeyFile(key_path)().kid == key.kid


@pytest.mark.parametrize("text", ["", "{}", '{"keys": []}', SigningKey.generate("a").public().key.as_pem().decode()])
def test_what_is_no_key_keeps_the_signer_from_starting(key_path: Path, text: str) -> None:
    key_path.write_text(text)
    with pytest.raises(ConfigurationError, match="SIGNING_KEY_FILE"):
        KeyFile(key_path)


def test_the_signer_signs_with_the_next_key_once_its_file_is_exchanged(key_path: Path, key: SigningKey) -> None:
    keys = KeyFile(key_path)
    new, draft = SigningKey.generate("signer.next"), key_path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(new.text())
    draft.replace(key_path)
    assert keys().kid == "signer.next"
    key_path.write_text("no key")
    assert keys().kid == "signer.next", "the last that could be used"
    key_path.unlink()
    assert keys().kid == "signer.next"


def test_a_key_for_one_machine_signs_nothing_elsewhere(key_path: Path) -> None:
    key_path.write_text(SigningKey.generate("local.demo").text())
    with pytest.raises(ConfigurationError, match="for one machine"):
        KeyFile(key_path)
    assert KeyFile(key_path, local=True)().kid == "local.demo"


def test_a_key_that_nobody_trusts_makes_the_signer_not_ready(key: SigningKey, tmp_path: Path) -> None:
    path, other = tmp_path / "trusted-keys.json", SigningKey.generate("signer.other")
    assert trouble_with(key, None) is None
    path.write_text(TrustedKeys([other.public()]).text())
    trusted = KeysFile(path)
    assert trouble_with(key, trusted) == "the signing key is not among the trusted keys"
    path.write_text(TrustedKeys([other.public(), key.public()]).text())
    assert trouble_with(key, trusted) is None
    path.write_text(TrustedKeys([TrustedKey(key.kid, key.public().key, datetime.now(UTC))]).text())
    assert trouble_with(key, trusted) == "the signing key is retired"


def test_without_a_token_nobody_could_ask_so_it_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="SIGNER_TOKEN"):
        SignerSettings(kafka_bootstrap_servers="unused:9092", signing_key_file=tmp_path / "key")
    path = tmp_path / "token"
    path.write_text("synthetic\n")
    made = SignerSettings(kafka_bootstrap_servers="unused:9092", signing_key_file=path, signer_token_file=path)
    assert made.token() == "synthetic"
