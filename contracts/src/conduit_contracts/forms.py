"""What a text must look like, said in words: each pattern of the contracts has its sentence, which a problem then gives."""

from pydantic import StringConstraints

FORMS: dict[str, str] = {}
"""By pattern: what is asked for, with an example. It follows on "Send "."""

WORD = r"^[a-z_]+$"
WORD_WORDS = "lower-case letters and underscores, for example case_changed"


def formed(pattern: str, words: str, *, min_length: int | None = None, max_length: int | None = None) -> StringConstraints:
    """A text of this form. `words` say it to the sender, with an example."""
    FORMS[pattern] = words
    return StringConstraints(pattern=pattern, min_length=min_length, max_length=max_length)
