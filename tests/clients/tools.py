"""The programs that generated clients are made and compiled with. One that is missing fails the test: nothing is skipped."""

from __future__ import annotations

import shutil

PROGRAMS = {
    "java": "a JDK, 17 or later",
    "javac": "a JDK, 17 or later: the Java that comes with the environment has no compiler",
    "node": "Node.js 20 or later",
    "npm": "npm, which comes with Node.js",
    "go": "Go 1.22 or later",
}


def program(name: str) -> str:
    """The program's path. Raises AssertionError where it is not on this machine."""
    path = shutil.which(name)
    assert path is not None, f"{name} is missing; install {PROGRAMS[name]}"
    return path
