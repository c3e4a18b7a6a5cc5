"""`conduit duty`: who took a task, and so saw whom to call, stands in the audit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from click.testing import Result

from conduit_operate.audit import read_audit

Conduit = Callable[..., Result]
NOBODY = "0193b3f0-0000-7000-8000-0000000000ff"


def test_who_takes_a_task_stands_in_the_audit(filled: dict[str, str], conduit: Conduit, tmp_path: Path) -> None:
    with psycopg.connect(filled["notification"]) as connection:
        ((task,),) = connection.execute("SELECT task_id FROM duty_tasks").fetchall()
    assert conduit("duty", "take", str(task), "--actor", "A. Operator").exit_code == 0
    taken = conduit("duty", "take", str(task), "--actor", "B. Operator")
    assert (taken.exit_code, taken.output) == (1, "A. Operator has already taken it\n")
    lines = read_audit(tmp_path)
    assert [(each["actor"], each["command"], each["outcome"]) for each in lines] == [
        ("A. Operator", "duty take", "begun"),
        ("A. Operator", "duty take", "done"),
        ("B. Operator", "duty take", "begun"),
        ("B. Operator", "duty take", "failed"),
    ]
    assert lines[0]["steps"] == [f"take {task}"]


def test_a_task_that_is_not_there_leaves_nothing_in_the_audit(databases: Any, conduit: Conduit, tmp_path: Path) -> None:
    assert conduit("duty", "take", NOBODY, "--actor", "A. Operator").exit_code == 3
    assert read_audit(tmp_path) == []
