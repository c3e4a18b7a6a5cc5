"""The word list finds what it lists, in every kind of text, and nothing else; and each of its exceptions is still needed."""

import pytest

from tests.prose.__main__ import LIST, ROOT, Phrase, everywhere, findings, of_markdown, of_python, phrases

LISTED = phrases(LIST.read_text(encoding="utf-8"))
MEND = phrases("""[[phrase]]\nnot = '\\bmend it\\b'\nwrite = "correct it"\n""")
SOURCE = '''
"""Mend it."""

TOLD = f"Please mend {1}" " it."
SAID = (
    "Please mend "
    "it."
)
mend_it = "mend_it"  # mend it
'''


def lines(source: str, reader: str, listed: list[Phrase] = MEND) -> list[int]:
    texts = of_python(source) if reader == "python" else of_markdown(source)
    return sorted(found.line for found in findings("a/file", texts, listed))


def test_a_phrase_is_found_in_docstrings_strings_and_comments_and_not_in_names() -> None:
    assert lines(SOURCE, "python") == [2, 6, 9]


def test_a_phrase_is_found_over_a_line_end_and_not_in_code_or_a_link() -> None:
    page = "Mend\nit.\n\n```sh\nmend it\n```\n\n`mend it` [here](mend it) and MEND IT.\n"
    assert lines(page, "markdown") == [1, 8]


def test_an_exception_holds_for_its_file_alone() -> None:
    (phrase,) = MEND
    spared = [Phrase(phrase.pattern, phrase.instead, frozenset({"a/file"}))]
    assert lines("Mend it.", "markdown", spared) == []
    assert list(findings("another/file", of_markdown("Mend it."), spared))


@pytest.mark.parametrize(
    "text",
    [
        *("You hear from us when it is decided.", "Mend the fields named here.", "Still at it", "Not now"),
        *("Said again, it has its effect already.", "There is nothing for you to do.", "No police force hears of it."),
    ],
)
def test_the_worst_do_not_come_back(text: str) -> None:
    assert list(findings("a/file", of_markdown(text), LISTED))


def test_every_exception_is_needed() -> None:
    bare = [Phrase(phrase.pattern, phrase.instead) for phrase in LISTED if phrase.allowed]
    used = {(found.place, found.instead) for found in everywhere(bare)}
    for phrase in LISTED:
        for place in phrase.allowed:
            assert (ROOT / place).is_file()
            assert (place, phrase.instead) in used, f"{place} no longer needs its exception"
