"""What a partner installs: pydantic alone beside it, quick to import, nothing left behind, and a README that is true."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from conduit_contracts import __version__
from conduit_contracts.schemas import CHECKOUT
from conduit_contracts.topics import REGISTRY, Topic
from contracts.tests.support import examples

PACKAGE = CHECKOUT / "src" / "conduit_contracts"
BEGIN, END = "<!-- topics: begin -->", "<!-- topics: end -->"

ALONE = """
import importlib, pkgutil, sys

ALLOWED = {"conduit_contracts", "pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"}

class OnlyPydantic:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in ALLOWED and top not in sys.stdlib_module_names and not top.startswith("_sysconfigdata"):
            raise ImportError(f"{name} is not among what a partner installs")

sys.meta_path.insert(0, OnlyPydantic())
import conduit_contracts
OF_AN_EXTRA = {f"conduit_contracts.kits.{name}" for name in ("batches", "continuity", "fetching")}
for module in pkgutil.walk_packages(conduit_contracts.__path__, "conduit_contracts."):
    if module.name not in OF_AN_EXTRA:
        importlib.import_module(module.name)
assert not OF_AN_EXTRA & sys.modules.keys()
from conduit_contracts import geography, schemas
geography.force_of_district()
schemas.schema(schemas.messages()["uk.conduit.partner.referral-submitted.v1"])
print("alone")
"""


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - our own code
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_pydantic_alone_is_enough() -> None:
    assert python(ALONE) == "alone"


def test_importing_the_registry_loads_neither_the_tools_nor_the_reference_data() -> None:
    """A consumer starts often, and pays for the models alone."""
    left_out = ["argparse", "asyncio", "jsonschema", "conduit_contracts.geography", "conduit_contracts.schemas"]
    assert (
        python(f"import conduit_contracts.topics, sys; print([name for name in {left_out} if name in sys.modules])") == "[]"
    )


def test_the_wheel_holds_every_module_the_reference_data_and_the_marker_for_types(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=CHECKOUT, check=True, capture_output=True, timeout=120)  # noqa: S603 - our own build
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == f"conduit_contracts-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("conduit_contracts/")}
        (metadata,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA"))
    there = {
        f"conduit_contracts/{path.relative_to(PACKAGE)}"
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == there
    assert {"conduit_contracts/py.typed", "conduit_contracts/reference/forces.csv"} <= packed
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:")]
    assert [line.split()[1].partition(">")[0] for line in required if "extra ==" not in line] == ["pydantic"]
    assert {"Provides-Extra: kafka", "Provides-Extra: http"} <= set(metadata.splitlines())


def row(topic: Topic) -> str:
    words = ", ".join(message.__name__ for message in topic.messages)
    kept = "last per key" if topic.compacted else f"{topic.retention.days} days"
    who = f"{', '.join(topic.producers)} | {', '.join(topic.readers)}"
    return f"| `{topic.template}` | {who} | {topic.key} | {kept} | {words} |"


def table() -> str:
    head = ["| topic | written by | read by | key | kept | messages |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *(row(topic) for topic in REGISTRY)])


def test_the_readme_lists_every_topic_as_the_registry_has_it() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    shown = readme.partition(BEGIN)[2].partition(END)[0].strip()
    assert shown == table(), f"put this between the marks of contracts/README.md:\n{table()}"


def test_the_readmes_code_runs() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    known: dict[str, object] = {
        "text": json.dumps(examples()["uk.conduit.partner.referral-submitted.v1"].value["referral"]),
        "record": examples()["uk.conduit.routing.case-disseminated.v1"],
    }
    for code in re.findall(r"```python\n(.*?)```", readme, re.DOTALL):
        exec(code, known)  # noqa: S102 - our own README
    assert (known["topic"], known["key"]) == ("partner.example-haven.referrals.v1", "EH-2026-0147")
    assert getattr(known["case"], "force_id", None) == "west-mercia"


def test_the_changelog_has_an_entry_for_this_version() -> None:
    assert f"\n## [{__version__}]" in (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
