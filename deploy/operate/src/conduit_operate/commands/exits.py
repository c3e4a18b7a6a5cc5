"""What a command's exit codes mean, in the same words at the end of every --help."""

from __future__ import annotations

DONE, CANNOT = "done, or shown what would be", "it cannot be done; the text says what to do"


def exits(done: str = DONE, cannot: str = CANNOT, unknown: str = "") -> str:
    """The last lines of a command's --help. `unknown` says what may not be there, if anything may not."""
    said = [f"0 {done}", f"1 {cannot}", "2 misuse", *([f"3 {unknown}"] if unknown else [])]
    return f"Exit codes: {'; '.join(said)}."
