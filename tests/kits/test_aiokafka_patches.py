"""What the kits rely on within aiokafka. Each test fails where a release is no longer as the kits need it: then look at
`kits/fetching.py`, `batches.py`, `reader.py` and `sender.py`, and at what the release does now.

What the kits make of it is tried in `test_partner_kit.py`, `test_force_kit.py` and the contracts' `test_batches.py`.
"""

import ast
import inspect
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import _DefaultRecordBatchPy

from conduit_contracts.kits import fetching

KITS = Path(fetching.__file__).parent
RELIED_ON: dict[str, dict[str, type]] = {
    "fetching.py": {
        "_client": Fetcher,
        "_conns": AIOKafkaClient,
        "_default_reset_strategy": Fetcher,
        "_partition_records": FetchResult,
        "_proc_fetch_request": Fetcher,
        "_records": Fetcher,
        "_records_iterator": PartitionRecords,
        "_topics": FetchRequest,
        "_update_fetch_positions": Fetcher,
        "_update_position": FetchResult,
    },
    "reader.py": {"_client": AIOKafkaConsumer, "_coordinator": AIOKafkaConsumer, "_coordination_task": GroupCoordinator},
    "sender.py": {"_sender": AIOKafkaProducer},
    "batches.py": {"_read_msg": _DefaultRecordBatchPy, "_buffer": _DefaultRecordBatchPy},
}
"""Each private part that a kit uses, by module, and where aiokafka has it."""


def private_parts(source: str) -> set[str]:
    """Names of others' private parts that a module uses, also where it asks for them by name."""
    own, found = {"_replace", "_asdict", "_fields", "_make"}, set[str]()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                pass
            case ast.Attribute(attr=name) if name.startswith("_") and not name.startswith("__"):
                found.add(name)
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name)), *_]) if name[0] == "_":
                found.add(name)
    return found - own


def test_they_are_made_for_the_release_that_is_installed_and_no_other_is_let_in() -> None:
    assert version("aiokafka").startswith(f"{fetching.MADE_FOR}.")
    (pin,) = [each for each in requires("conduit-contracts") or () if each.startswith("aiokafka")]
    major, minor = fetching.MADE_FOR.split(".")
    assert set(pin.partition(";")[0].strip().removeprefix("aiokafka").split(",")) == {
        f">={fetching.MADE_FOR}",
        f"<{major}.{int(minor) + 1}",
    }


def test_whatever_a_kit_uses_of_others_private_parts_is_listed() -> None:
    found = {path.name: private_parts(path.read_text(encoding="utf-8")) for path in sorted(KITS.glob("*.py"))}
    listed = {name: set(parts) for name, parts in RELIED_ON.items()}
    listed["batches.py"] -= {"_buffer"}  # the kit's own class has it, and sets it anew
    assert {name: parts for name, parts in found.items() if parts} == listed


@pytest.mark.parametrize(("part", "where"), [each for parts in RELIED_ON.values() for each in parts.items()])
def test_aiokafka_has_it_where_the_kits_look_for_it(part: str, where: type) -> None:
    theirs = [base for base in where.__mro__ if base.__module__.startswith("aiokafka.")]
    sources = "".join(inspect.getsource(base) for base in theirs)
    assert f"self.{part} = " in sources or f"def {part}(" in sources or f"self.{part}: " in sources


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (Fetcher._proc_fetch_request, "self assignment node_id request"),
        (_DefaultRecordBatchPy._read_msg, "self decode_varint"),
        (
            PartitionRecords.__init__,
            "self tp records aborted_transactions fetch_offset key_deserializer value_deserializer check_crcs "
            "isolation_level",
        ),
    ],
)
def test_what_the_kits_call_or_take_the_place_of_takes_what_they_give(function: object, parameters: str) -> None:
    assert list(inspect.signature(function).parameters) == parameters.split()  # type: ignore[arg-type]
