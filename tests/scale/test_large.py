"""The largest referrals there may be, many at once: they take no more memory than the manifests grant, and all arrive."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conduit_generate.kubernetes.environment import read_environment
from conduit_generate.kubernetes.tree import HOME, OVERLAYS
from conduit_local.stack import Options
from tests.benchmarks import floods
from tests.benchmarks.large import DANGERS, HANDLING, Bench
from tests.benchmarks.load import PARTNERS
from tests.benchmarks.pipelines import open_doors
from tests.benchmarks.registers import publish_registers
from tests.support.stacks import RunStack

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_200)]

REFERRALS = 130
"""Of 226 KB, for every territorial force: all that one partner may send in a quarter of a minute."""


@pytest.fixture
def bench(run_stack: RunStack) -> Iterator[Bench]:
    with run_stack("large", Options(services=HANDLING, partner_ids=PARTNERS, log_level="WARNING")) as stack:
        publish_registers(stack)
        open_doors(stack)
        yield Bench(stack)


def test_routing_delivers_all_of_them_within_its_memory_and_nobody_else_waits_for_them(bench: Bench) -> None:
    """The smallest environment's memory. It fails as well where a service has ended, or where another's never arrives."""
    sizes = read_environment(HOME / OVERLAYS / "pilot").services
    granted = {name: int(size.memory.removesuffix("Mi")) for name, size in sizes.items()}
    found = bench.flood_of_referrals(REFERRALS)
    assert found["arrived"] == REFERRALS * len(floods.districts())
    assert len(found["danger_seconds"]) == len(found["ordinary_seconds"]) == DANGERS
    assert max(found["danger_seconds"] + found["ordinary_seconds"]) < found["seconds"] / 4, found
    assert {name: peak for name, peak in found["peak_mib"].items() if peak > granted[name]} == {}
