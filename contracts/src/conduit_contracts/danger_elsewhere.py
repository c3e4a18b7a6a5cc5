"""Danger in what cannot be read as JSON: JSON that is broken, a form, YAML, XML, a table.

Wherever the field is named as one and its value is anything but a plain no, danger is heard.
"""

import re
from unicodedata import normalize
from urllib.parse import unquote

NO = frozenset(
    {"", "false", "f", "no", "n", "none", "null", "nil", "off", "0", "0.0", "n/a", "not known", "not_known", "unknown"}
)
"""Any other value of the field counts as danger: nobody writes it about a child who is safe."""
_ESCAPE = re.compile(r"\\u00([0-7][0-9a-fA-F])")
_COMMENT = re.compile(r"/\*.{0,200}?\*/", re.DOTALL)
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»", '"') | dict.fromkeys("\u2018\u2019\u201a\u201b", "'"))
_FIELD = re.compile(
    r"""
    immediate[\s_-]{0,2}danger
    (?: [\\"'\])]{0,4} \s* [:=]                                     # JSON, YAML, a form, an attribute
      | ["']? \s [^<>]{0,200}? \b value \s* =                        # an element's attribute
      | (?: ["']? \s [^<>]{0,200} )? >                               # an element
      | ["'] [ \t]* (?: \r?\n [^\r\n]{1,200} ){0,4} \r?\n \r?\n      # a part of a form
    )
    [\s\[{(]* (?: \\?" ([^"\\]*) | ' ([^']*) | ([^\s"',;&<>\])}\\]*) )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MOST_ROWS = 200
_SEPARATORS = ",;\t|"


def unescaped(body: bytes) -> bytes:
    """Letters that JSON lets one write as numbers, written as letters."""
    if b"\\u" not in body:
        return body
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), body.decode("latin-1")).encode("latin-1", "replace")


def says_danger(body: bytes) -> bool:
    """Whether the field is there and is not a plain no."""
    text = unescaped(body).decode("utf-8", "replace")
    text = unquote(text, errors="replace") if "%" in text else text
    text = _COMMENT.sub("", normalize("NFKC", text).translate(_QUOTES))
    found = _FIELD.finditer(text)
    said = ((each[1] or each[2] or each[3] or "", each.end() == len(text)) for each in found)
    return any(_is_yes(word, cut=cut) for word, cut in said) or _in_table(text)


def _is_yes(word: str, *, cut: bool = False) -> bool:
    plain = word.strip().strip("\"'").lower()
    return plain not in NO and not (cut and any(no.startswith(plain) for no in NO))


def _in_table(text: str) -> bool:
    """A table's first line names its columns."""
    head, *rows = [line for line in text.splitlines()[:_MOST_ROWS] if line.strip()] or [""]
    for separator in _SEPARATORS:
        names = [re.sub(r"[^a-z]", "", cell.lower()) for cell in head.split(separator)]
        if len(names) > 1 and "immediatedanger" in names:
            at = names.index("immediatedanger")
            return any(len(cells) > at and _is_yes(cells[at]) for row in rows if (cells := row.split(separator)))
    return False
