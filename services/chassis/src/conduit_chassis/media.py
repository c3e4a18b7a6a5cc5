"""Which files are taken, and whether one is what it says. Pure, by the first and last bytes that each format has.

It keeps mistakes and plain disguises out. What a file does when it is opened, the scanner judges.
"""

from collections.abc import Callable, Mapping

PDF, PNG, JPEG, TEXT = "application/pdf", "image/png", "image/jpeg", "text/plain"

_PNG_HEAD = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_TAIL = 1_024
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\f\r")) + b"\x7f"


def _pdf(content: bytes) -> bool:
    return content.startswith(b"%PDF-") and b"%%EOF" in content[-_TAIL:]


def _png(content: bytes) -> bool:
    return content.startswith(_PNG_HEAD) and content.endswith(_PNG_END)


def _jpeg(content: bytes) -> bool:
    # Cameras put data behind the end marker.
    return content.startswith(b"\xff\xd8\xff") and b"\xff\xd9" in content[3:]


def _text(content: bytes) -> bool:
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return content.translate(None, _CONTROLS) == content and not any(looks(content) for looks in (_pdf, _png, _jpeg))


LOOKS: Mapping[str, Callable[[bytes], bool]] = {PDF: _pdf, PNG: _png, JPEG: _jpeg, TEXT: _text}
"""The media types that are taken."""


SUFFIXES: Mapping[str, str] = {PDF: "pdf", PNG: "png", JPEG: "jpg", TEXT: "txt"}
"""How a file of each is called on disk."""


def is_what_it_says(media_type: str, content: bytes) -> bool:
    """Whether the content has the form of its media type."""
    looks = LOOKS.get(media_type)
    return looks is not None and looks(content)
