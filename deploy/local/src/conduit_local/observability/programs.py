"""The programs that watch; they come from the machine's packages and not with the environment."""

from __future__ import annotations

import shutil

PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
    "prometheus-postgres-exporter": "prometheus-postgres-exporter",
}
"""Program by the Debian package that has it."""
OTHER_NAMES = {"prometheus-alertmanager": "alertmanager", "prometheus-postgres-exporter": "postgres_exporter"}
"""What the projects' own releases call them."""


class MissingProgramsError(RuntimeError):
    """A program is not installed; the text says what to install."""


def program(name: str) -> str:
    """Where the program is.

    Raises:
        MissingProgramsError: it is nowhere on PATH.
    """
    found = _find(name)
    if found is None:
        raise MissingProgramsError(_advice([name]))
    return found


def must_be_installed() -> None:
    """Raises MissingProgramsError naming everything that is missing, so that one installation is enough."""
    missing = [name for name in PACKAGES if _find(name) is None]
    if missing:
        raise MissingProgramsError(_advice(missing))


def _find(name: str) -> str | None:
    return shutil.which(name) or shutil.which(OTHER_NAMES.get(name, name))


def _advice(missing: list[str]) -> str:
    packages = " ".join(dict.fromkeys(PACKAGES[name] for name in missing))
    return (
        f"not installed: {', '.join(missing)}. On Debian: apt-get install --no-install-recommends {packages}. "
        "Elsewhere put the projects' own releases on PATH"
    )
