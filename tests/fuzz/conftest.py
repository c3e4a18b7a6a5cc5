"""A secured stack to throw records at: real broker, real databases, every service."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from conduit_local.demo.register_samples import register_samples
from conduit_local.services import POLICY_FILE, SAMPLE_PARTNERS
from conduit_local.stack import Options, Stack

UNHEARD_OF = "unheard-of"
"""A partner with topics and credentials that nobody put on the register."""


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """After a failure its logs stay."""
    failed = request.session.testsfailed
    folder = Path(tempfile.mkdtemp(prefix="conduit-fuzz-"))
    policy = POLICY_FILE.read_text(encoding="utf-8")
    hasty = re.sub(r"(?m)^early_update_seconds = .*$", "early_update_seconds = 1", policy)
    assert hasty != policy
    (folder / "policy.toml").write_text(hasty, encoding="utf-8")
    options = Options(
        partner_ids=(*SAMPLE_PARTNERS, UNHEARD_OF),
        secured=True,
        prepare=register_samples,
        policy_file=folder / "policy.toml",
    )
    with Stack(folder, options) as started:
        yield started
    if request.session.testsfailed == failed:
        shutil.rmtree(folder, ignore_errors=True)
