"""A secured stack to throw records at: real broker, real databases, every service."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from conduit_local.demo.register_samples import register_samples
from conduit_local.services import POLICY_FILE, SAMPLE_PARTNERS
from conduit_local.stack import Options, Stack
from tests.support.stacks import RunStack

UNHEARD_OF = "unheard-of"
"""A partner with topics and credentials that nobody put on the register."""


@pytest.fixture(scope="module")
def stack(run_stack: RunStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    policy = POLICY_FILE.read_text(encoding="utf-8")
    hasty = re.sub(r"(?m)^early_update_seconds = .*$", "early_update_seconds = 1", policy)
    assert hasty != policy
    policy_file = tmp_path_factory.mktemp("policy") / "policy.toml"
    policy_file.write_text(hasty, encoding="utf-8")
    options = Options(
        partner_ids=(*SAMPLE_PARTNERS, UNHEARD_OF),
        secured=True,
        prepare=register_samples,
        policy_file=policy_file,
    )
    with run_stack("fuzz", options) as started:
        yield started
