"""What is passed on says on what terms: the wheel that partners and forces install, and what comes from elsewhere."""

import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LICENCE = (ROOT / "LICENSE").read_text(encoding="utf-8")
NOTICES = (ROOT / "NOTICES.md").read_text(encoding="utf-8")
REFERENCE = ROOT / "contracts" / "src" / "conduit_contracts" / "reference"
SOURCES = (REFERENCE / "SOURCES.md").read_text(encoding="utf-8")
ATTRIBUTION = "Contains OS data © Crown copyright and database right 2025"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT / "contracts", check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_of_the_contracts_has_its_licence_and_the_sources_of_its_data(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
    assert HeaderParser().parsestr(wheel.read(metadata).decode())["License-Expression"] == "MIT AND OGL-UK-3.0"
    (licence,) = (name for name in names if name.endswith("/licenses/LICENSE"))
    assert wheel.read(licence).decode() == LICENCE
    assert wheel.read("conduit_contracts/reference/SOURCES.md").decode() == SOURCES


@pytest.mark.parametrize("path", sorted(REFERENCE.glob("*.csv")), ids=lambda path: path.name)
def test_each_table_of_facts_has_its_source_and_its_terms(path: Path) -> None:
    assert f"`{path.name}`" in SOURCES
    assert f"`{path.name}`" in NOTICES


def test_the_attribution_that_the_licence_asks_for_is_given() -> None:
    assert ATTRIBUTION in NOTICES
    assert ATTRIBUTION in " ".join(SOURCES.split())
    assert "Open Government Licence" in (ROOT / "README.md").read_text(encoding="utf-8").replace("\n", " ")
