"""What every page of every desk shares: who may what, sign-in and sessions."""

from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"
"""A desk applies them before its own, in its own database."""
