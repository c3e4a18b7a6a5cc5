"""Triage's settings, from the environment without a prefix."""

from pathlib import Path

from conduit_chassis.settings import Settings


class TriageSettings(Settings):
    """What triage is told besides the chassis' settings."""

    policy_file: Path
