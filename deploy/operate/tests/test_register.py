"""What stands in a register is read by people: an entry that shows nothing is not written."""

from __future__ import annotations

from pathlib import Path

import pytest

from conduit_contracts.programme import PartnerRegistered
from conduit_operate.broker import external_broker
from conduit_operate.register import RegisterError, publish


def test_an_entry_that_shows_nothing_is_refused_at_its_field_before_anything_is_written(tmp_path: Path) -> None:
    nowhere = external_broker(tmp_path, {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    with pytest.raises(RegisterError, match="name: This contains only spaces"):
        publish(nowhere, [PartnerRegistered(partner_id="example-haven", name="\u200b")], actor="a.person")
