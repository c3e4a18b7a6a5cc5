"""A secured stack to throw records at: real broker, real databases, every service."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from conduit_local.demo.register_samples import register_samples
from conduit_local.services import SAMPLE_PARTNERS
from conduit_local.stack import Options, Stack

UNHEARD_OF = "unheard-of"
"""A partner with topics and credentials that nobody put on the register."""


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """After a failure its logs stay."""
    failed = request.session.testsfailed
    folder = Path(tempfile.mkdtemp(prefix="conduit-fuzz-"))
    options = Options(
        partner_ids=(*SAMPLE_PARTNERS, UNHEARD_OF),
        secured=True,
        prepare=register_samples,
        # Updates that nothing came before are settled soon, not in two minutes.
        extra_env={"intake": {"EARLY_UPDATE_SECONDS": "1"}},
    )
    with Stack(folder, options) as started:
        yield started
    if request.session.testsfailed == failed:
        shutil.rmtree(folder, ignore_errors=True)
