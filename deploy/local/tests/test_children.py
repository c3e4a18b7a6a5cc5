"""No child outlives its parent, and every child can be stopped, killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from conduit_local.children import Child, ChildError

SLEEPS = "import time; time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
HAS_A_CHILD = "import subprocess, time; subprocess.Popen(['sleep', '600']); print('has', flush=True); time.sleep(600)"
PARENT = """
import sys, time
from pathlib import Path
from conduit_local.children import Child
for number, code in enumerate(sys.argv[2:]):
    child = Child(str(number), [sys.executable, "-c", code], state_dir=Path(sys.argv[1]), grace=0.5)
    child.start()
time.sleep(600)
"""


def python(code: str, state_dir: Path, name: str = "child") -> Child:
    return Child(name, [sys.executable, "-c", code], state_dir=state_dir)


@pytest.fixture
def child(state_dir: Path) -> Iterator[Child]:
    started = python(SLEEPS, state_dir)
    started.start()
    yield started
    started.stop()


def test_every_child_and_grandchild_ends_when_the_parent_is_killed(state_dir: Path) -> None:
    with subprocess.Popen(  # noqa: S603  our own script
        [sys.executable, "-c", PARENT, str(state_dir), SLEEPS, DEAF, HAS_A_CHILD]
    ) as parent:
        wait_for_logs(state_dir, "1", "2")
        family = psutil.Process(parent.pid).children(recursive=True)
        parent.kill()
    assert len(family) == 7, "three tethers, three children and a grandchild"
    assert psutil.wait_procs(family, timeout=10)[1] == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can end a child whose tether was killed")
def test_a_child_ends_when_its_tether_is_killed(child: Child) -> None:
    process = psutil.Process(child.pid)
    tether = process.parent()
    assert tether is not None
    tether.kill()
    assert psutil.wait_procs([process], timeout=5)[1] == []


def test_stop_asks_and_then_kills_the_deaf(state_dir: Path) -> None:
    child = python(DEAF, state_dir)
    child.start()
    wait_for_logs(state_dir, "child")
    began = time.monotonic()
    child.stop(timeout=0.3)
    assert 0.3 <= time.monotonic() - began < 60  # it would sleep for 600
    assert child.exit_code == 128 + signal.SIGKILL


def test_a_killed_child_starts_again_under_another_pid(child: Child) -> None:
    before = child.pid
    child.kill()
    assert not child.alive
    assert child.exit_code == 128 + signal.SIGKILL
    child.start()
    assert child.alive
    assert child.pid != before
    child.stop()
    assert child.exit_code == 128 + signal.SIGTERM


def test_starting_a_running_child_changes_nothing(child: Child) -> None:
    before = child.pid
    child.start()
    assert child.pid == before


def test_output_is_kept_over_restarts(state_dir: Path) -> None:
    child = python("print('was here')", state_dir)
    for _ in range(2):
        child.start()
        wait_until_ended(child)
    assert child.log_path.read_text() == "was here\n" * 2
    assert child.exit_code == 0


def test_the_error_for_an_ended_child_shows_the_end_of_its_log(state_dir: Path) -> None:
    child = python("raise SystemExit('no such setting')", state_dir)
    child.start()
    wait_until_ended(child)
    with pytest.raises(ChildError, match=r"ended with code 1; see (?s:.*)no such setting"):
        child.ensure_alive()


def test_a_command_that_ends_by_itself_is_waited_for_and_its_failure_is_an_error(state_dir: Path) -> None:
    python("pass", state_dir).run(10)
    with pytest.raises(ChildError, match="ended with code 3"):
        python("raise SystemExit(3)", state_dir).run(10)
    with pytest.raises(ChildError, match="ended with code 137"):
        python(SLEEPS, state_dir).run(0.2)


def test_a_command_that_does_not_exist_is_an_error_at_once(state_dir: Path) -> None:
    with pytest.raises(ChildError, match="could not be started"):
        Child("nothing", ["/no/such/program"], state_dir=state_dir).start()


def wait_for_logs(state_dir: Path, *names: str) -> None:
    deadline = time.monotonic() + 10
    while not all(
        (state_dir / "logs" / f"{name}.log").exists() and (state_dir / "logs" / f"{name}.log").read_text() for name in names
    ):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_until_ended(child: Child) -> None:
    deadline = time.monotonic() + 10
    while child.alive:
        assert time.monotonic() < deadline
        time.sleep(0.02)


STANDING_BACK = """
import os, subprocess
from conduit_local.children import _stand_back

os.nice(10)
if os.getuid() == 0:
    os.setuid(65534)
sleeping = subprocess.Popen(["sleep", "60"])
_stand_back(sleeping.pid, 7)
ended = subprocess.Popen(["true"])
ended.wait()
_stand_back(ended.pid, 7)  # whoever waits for it says that it ended
print(os.getpriority(os.PRIO_PROCESS, sleeping.pid) - os.getpriority(os.PRIO_PROCESS, 0))
sleeping.kill()
"""


def test_under_nice_an_ordinary_users_child_stands_back_further() -> None:
    command = [sys.executable, "-c", STANDING_BACK]
    # In a session of its own: the niceness of a session's processes is one, and this run's would stay as it was made.
    done = subprocess.run(  # noqa: S603 - our own text
        command, capture_output=True, text=True, timeout=60, check=False, start_new_session=True
    )
    assert done.returncode == 0, done.stderr
    # 19 is as far as one may stand back.
    assert int(done.stdout) == 7 or os.getpriority(os.PRIO_PROCESS, 0) > 2


def test_a_child_that_stands_back_is_nicer_than_the_others(state_dir: Path) -> None:
    child = Child("nice", [sys.executable, "-c", "import time; time.sleep(60)"], state_dir=state_dir)
    child.niceness = 7
    child.start()
    try:
        assert os.getpriority(os.PRIO_PROCESS, child.pid) - os.getpriority(os.PRIO_PROCESS, 0) == 7
        # A group of Linux' own, one per session, hides the niceness of what is in it. Not every kernel makes them.
        file = Path(f"/proc/{child.pid}/autogroup")
        group = file.read_text() if file.exists() else ""
        assert not group or group.endswith("nice 7\n")
    finally:
        child.kill()
