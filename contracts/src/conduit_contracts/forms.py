"""What a text must look like, in words: each pattern of the contracts has a sentence for problems to use."""

from pydantic import StringConstraints

FORMS: dict[str, str] = {}
"""What is expected, with an example, by pattern. It follows the word "Send"."""

WORD = r"^[a-z_]+$"
WORD_WORDS = "lower-case letters and underscores, for example case_changed"


def formed(pattern: str, words: str, *, min_length: int | None = None, max_length: int | None = None) -> StringConstraints:
    """A text of this format. `words` explain it to the sender, with an example."""
    FORMS[pattern] = words
    return StringConstraints(pattern=pattern, min_length=min_length, max_length=max_length)
