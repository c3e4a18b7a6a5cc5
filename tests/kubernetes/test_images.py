"""The Dockerfile's own steps, run here without an engine: what they install is all that the programs need.

Each stage's RUN lines are run as they stand, in folders that take the place of the image's, from what its COPY lines and
the ignore file let in. One service stands for the four, which differ in their name, unless IMAGES=all.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from conduit_contracts.topics import SERVICES
from conduit_operate.cli import ELSEWHERE

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text().replace("\\\n", " ")
OF_THE_IMAGE = ("/build", "/wheels", "/opt", "/src")
PROGRAMS = {"setup": ("conduit_operate.setup", "conduit_operate.compose_kafka", "conduit_operate.kafka_exporter")}


def stage(name: str) -> list[tuple[str, str]]:
    """The stage's instructions."""
    (body,) = re.findall(rf"^FROM \S+ AS {name}\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    lines = [line.split(" ", 1) for line in body.splitlines() if line and not line.startswith("#")]
    return [(instruction, rest) for instruction, rest in lines]


def let_in(source: str) -> list[Path]:
    """What a COPY of this gets from the checkout, by deploy/Dockerfile.dockerignore: all is out but what it lets in."""
    lines = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().split()
    allowed = [line[1:] for line in lines if line.startswith("!")]
    refused = [line.removeprefix("**/") for line in lines if line.startswith("**/")]
    assert any(source == each or source.startswith(f"{each}/") for each in allowed), f"{source} is not let in"
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", source], check=True, cwd=ROOT, capture_output=True, text=True
    )
    paths = [Path(line) for line in files.stdout.splitlines() if (ROOT / line).exists()]
    return [path for path in paths if not any(fnmatch(part, each) for part in path.parts for each in refused)]


OURS_ANEW = " ".join(
    f"--refresh-package {tomllib.loads(path.read_text())['project']['name']}"
    for path in [*sorted(ROOT.glob("*/*/pyproject.toml")), ROOT / "contracts/pyproject.toml"]
)


def run_stage(name: str, home: Path, service: str = "") -> None:
    """Run the stage's COPY and RUN lines below this folder."""
    for instruction, rest in stage(name):
        if instruction == "COPY" and not rest.startswith("--from"):
            source = rest.split()[0]
            for path in let_in(source):
                (home / "src" / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / path, home / "src" / path)
        if instruction == "RUN" and not rest.startswith("pip install"):  # of uv, which is here
            moved = re.sub(rf"(?<![\w.])({'|'.join(OF_THE_IMAGE)})(?![\w])", rf"{home}\1", rest)
            # An image keeps no cache; here it saves fetching everything for each service. What is ours is built anew: an
            # earlier run may have left wheels of a folder of the same name.
            run(["sh", "-eu", "-c", moved.replace("--no-cache", OURS_ANEW)], home / "src", {"SERVICE": service})


def run(command: list[str], cwd: Path, variables: dict[str, str]) -> None:
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment = {**own, "PATH": path, **variables}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr[-3000:]}"


def refused(command: list[str], cwd: Path) -> str:
    """What a command says on standard error that cannot be done here."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stdout
    return done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("image")
    (home / "src").mkdir()
    (home / "opt").mkdir()
    run_stage("build", home)
    return home


def imports(home: Path, *modules: str) -> None:
    """The modules can be imported with nothing but what the image holds."""
    statement = "; ".join(f"import {module}" for module in modules)
    run(
        [str(home / "opt" / "conduit" / "bin" / "python"), "-I", "-c", statement],
        home / "opt",
        {"PYTHONDONTWRITEBYTECODE": "1"},
    )


def test_the_image_of_set_up_holds_all_that_its_programs_need(built: Path) -> None:
    shutil.rmtree(built / "opt")
    (built / "opt").mkdir()
    run_stage("setup-environment", built)
    imports(built, *PROGRAMS["setup"])
    command = [str(built / "opt" / "conduit" / "bin" / "conduit")]
    run([*command, "--version"], built / "opt", {})
    for name, distribution in ELSEWHERE.items():
        said = refused([*command, name, "--whatever"], built / "opt")
        assert said == f"`conduit {name}` needs {distribution}, which is not installed here\n"


@pytest.mark.parametrize("service", SERVICES if os.environ.get("IMAGES") == "all" else SERVICES[:1])
def test_a_services_image_holds_all_that_it_needs_and_no_other_service(built: Path, service: str) -> None:
    shutil.rmtree(built / "opt")
    (built / "opt").mkdir()
    run_stage("service-environment", built, service)
    imports(built, f"conduit_{service}.app", f"conduit_{service}.__main__", "conduit_chassis.migrate_only")
    (packages,) = (built / "opt" / "conduit" / "lib").glob("python*/site-packages")
    others = {path.name for path in packages.glob("conduit_*") if path.is_dir() and not path.name.endswith(".dist-info")}
    assert others == {"conduit_chassis", "conduit_contracts", f"conduit_{service}"}


def test_images_run_as_a_user_without_a_shell() -> None:
    assert [rest for instruction, rest in stage("base") if instruction == "USER"] == ["10001"]
    for name in ("setup", "service"):
        assert "USER" not in {instruction for instruction, _ in stage(name)}
