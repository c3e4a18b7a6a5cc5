"""Plots, and the comparison with quixstreams, run in an environment of their own: `make bench-install` makes it.

quixstreams pins older releases of pydantic and confluent-kafka than the conduit runs on, so the two cannot share one.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".conduit" / "bench-venv" / "bin" / "python"


def python() -> str:
    """The interpreter of that environment.

    Raises:
        FileNotFoundError: it has not been made.
    """
    if not PYTHON.exists():
        raise FileNotFoundError(f"{PYTHON} is missing: run `make bench-install`")
    return str(PYTHON)


def draw(kind: str, source: Path, *targets: Path, tell: Callable[[str], None]) -> None:
    """Plot a result's figures into files, by their suffixes. Results stand without their plot."""
    try:
        command = [
            python(),
            "-m",
            "tests.benchmarks.plot",
            kind,
            str(source.absolute()),
            *(str(t.absolute()) for t in targets),
        ]
        subprocess.run(command, check=True, cwd=ROOT)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        tell(f"no plot: {error}")
    else:
        tell(f"plotted into {', '.join(map(str, targets))}")
