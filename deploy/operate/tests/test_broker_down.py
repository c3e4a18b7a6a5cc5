"""While no broker answers, every command that needs one says so in a sentence, and changes nothing.

Each waits as long as its client does, so they are all started at once.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

BY = ("--apply", "--actor", "A. Operator", "--reason", "a test")
CONTACTS = ("--contact", "a@hub.example,+441632960001", "--contact", "b@hub.example,+441632960002")
COMMANDS = (
    ("lag",),
    ("access",),
    ("access", *BY),
    ("partner", "list"),
    ("partner", "list", "--ending", "30"),
    ("partner", "onboard", "northlight", "--name", "Northlight", *BY),
    ("partner", "suspend", "northlight", "--wholly", *BY),
    ("partner", "resume", "northlight", *BY),
    ("partner", "rotate", "northlight", *BY),
    ("partner", "offboard", "northlight", *BY),
    ("force", "list"),
    ("force", "onboard", "kent", *BY),
    ("force", "rotate", "kent", *BY),
    ("topics", "narrow", "northlight", *BY),
    ("hub", "propose", *CONTACTS, *BY),
    ("backup", "there", *BY[1:]),
)
NOWHERE = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    **{
        f"{service}_POSTGRES_DSN": "postgresql://nobody@127.0.0.1:1/none"
        for service in ("INTAKE", "TRIAGE", "ROUTING", "NOTIFICATION")
    },
}
SECURED = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_ADMIN_USERNAME": "admin", "KAFKA_ADMIN_PASSWORD": "synthetic"}


async def said(state_dir: Path, command: tuple[str, ...], **environ: str) -> tuple[int | None, str]:
    """Its exit code and all that it says, as somebody has it at a terminal."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "conduit_operate.cli", *command, "--state-dir", str(state_dir)),
        env={"PATH": os.environ["PATH"], **NOWHERE, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("environ", [{}, SECURED], ids=["open", "secured"])
async def test_no_command_ends_in_a_traceback(tmp_path: Path, environ: dict[str, str]) -> None:
    found = await asyncio.gather(
        *(said(tmp_path / str(number), command, **environ) for number, command in enumerate(COMMANDS))
    )
    wrong = {
        " ".join(command): text[-500:]
        for command, (code, text) in zip(COMMANDS, found, strict=True)
        if code != 1 or "Traceback" in text or not text.strip()
    }
    assert wrong == {}
