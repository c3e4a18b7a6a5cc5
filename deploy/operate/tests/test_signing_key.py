"""Keys that sign officers' commands: made once, changed by overlap, retired, and never lost from the set."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conduit_contracts.signature import LONGEST_LIFE
from conduit_contracts.signing_keys import SigningKey, TrustedKeys
from conduit_operate import setup, signing
from conduit_operate.cli import app
from conduit_operate.onboarding import MisuseError, UnknownError
from conduit_operate.signing import SigningFiles

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
BY = ["--apply", "--actor", "jo.smith", "--reason", "Synthetic."]


def conduit(folder: Path, *words: str, code: int = 0) -> str:
    command = ["signing-key", *words, "--folder", str(folder / "keys")]
    ran = CliRunner().invoke(app, [*command, *(["--state-dir", str(folder)] if words[0] != "list" else [])])
    assert ran.exit_code == code, ran.output
    return ran.output


def states(folder: Path) -> dict[str, str]:
    return {row["kid"]: row["state"] for row in json.loads(conduit(folder, "list", "--json"))}


def test_a_rotation_by_commands_never_leaves_a_moment_without_a_trusted_key(tmp_path: Path) -> None:
    assert "nothing was changed" in conduit(tmp_path, "new")
    assert not (tmp_path / "keys").exists()
    conduit(tmp_path, "new", *BY)
    (first,) = states(tmp_path)
    assert states(tmp_path) == {first: "signs"}
    conduit(tmp_path, "rotate", *BY)
    _, second = states(tmp_path)
    assert states(tmp_path) == {first: "signs", second: "waits"}
    conduit(tmp_path, "rotate", "--finish", *BY)
    assert states(tmp_path)[second] == "signs"
    assert states(tmp_path)[first].startswith("until ")
    conduit(tmp_path, "retire", first, *BY)
    assert states(tmp_path) == {first: "retired", second: "signs"}
    assert "jo.smith" in (tmp_path / "audit.jsonl").read_text()
    assert '"d"' not in (tmp_path / "audit.jsonl").read_text()


def test_what_cannot_be_done_says_so_and_changes_nothing(tmp_path: Path) -> None:
    conduit(tmp_path, "list", code=3)
    conduit(tmp_path, "rotate", *BY, code=3)
    conduit(tmp_path, "new", *BY)
    before = states(tmp_path)
    conduit(tmp_path, "new", *BY, code=2)
    conduit(tmp_path, "rotate", "--finish", *BY, code=2)
    conduit(tmp_path, "retire", "signer.nobody", *BY, code=3)
    conduit(tmp_path, "retire", next(iter(before)), "--apply", code=2)
    assert states(tmp_path) == before
    conduit(tmp_path, "rotate", *BY)
    conduit(tmp_path, "rotate", *BY, code=2)


def test_private_keys_are_their_owners_alone(tmp_path: Path) -> None:
    files = SigningFiles.within(tmp_path / "public", tmp_path / "private")
    kid = signing.make_first(files, NOW)
    assert files.current.stat().st_mode & 0o077 == 0
    assert files.current.parent.stat().st_mode & 0o077 == 0
    assert SigningKey.read(files.current.read_bytes()).kid == kid
    assert '"d"' not in files.trusted.read_text()


def test_the_key_before_is_good_for_as_long_as_anything_that_it_may_have_signed(tmp_path: Path) -> None:
    files = SigningFiles.within(tmp_path)
    first = signing.make_first(files, NOW)
    signing.begin_rotation(files, NOW)
    assert signing.finish_rotation(files, NOW)[1] == first
    key = TrustedKeys.read(files.trusted.read_bytes()).find(first)
    assert key is not None
    assert key.retired_at == NOW + LONGEST_LIFE
    signing.retire(files, first, NOW + timedelta(minutes=5))
    signing.retire(files, first, NOW + timedelta(days=5))
    key = TrustedKeys.read(files.trusted.read_bytes()).find(first)
    assert key is not None
    assert key.retired_at == NOW + timedelta(minutes=5)


def test_whoever_sets_up_a_machine_again_keeps_its_key(tmp_path: Path) -> None:
    files = SigningFiles.within(tmp_path / "public", tmp_path / "private")
    kid = signing.keep(files)
    assert signing.keep(files) == kid
    files.trusted.unlink()
    assert signing.keep(files) == kid
    assert [each.kid for each in TrustedKeys.read(files.trusted.read_bytes())] == [kid]
    with pytest.raises(MisuseError):
        signing.make_first(files)
    with pytest.raises(UnknownError):
        signing.read_trusted(SigningFiles.within(tmp_path / "elsewhere"))


def test_setup_makes_the_pair_where_it_is_told_to(tmp_path: Path) -> None:
    setup._keep_signing_key({})
    setup._keep_signing_key({"SIGNING_KEYS_DIR": str(tmp_path / "a"), "SIGNING_KEY_DIR": str(tmp_path / "b")})
    assert (tmp_path / "a" / "trusted-keys.json").exists()
    assert (tmp_path / "b" / "signing-key.json").exists()
