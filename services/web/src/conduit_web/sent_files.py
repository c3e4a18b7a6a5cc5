"""Forms with files in them (multipart/form-data), read whole, within limits. A file's name is not kept.

The standard library takes the body apart, which is MIME. Whatever no browser sends is refused.
"""

from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from typing import cast

from conduit_web.readable import without_nul

MULTIPART = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file, with the media type that its sender says it has."""

    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class SentForm:
    """What somebody filled in, and the files that they chose; of each name the last."""

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, SentFile] = field(default_factory=dict)


def take_apart(content_type: str, body: bytes, most_parts: int) -> SentForm:
    """A body with its header.

    Raises:
        ValueError: it is no such form.
    """
    message = BytesParser().parsebytes(b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body)
    parts = cast("list[Message]", message.get_payload()) if message.is_multipart() else []
    if message.defects or not parts or len(parts) > most_parts:
        raise ValueError("no form with files")
    sent = SentForm()
    for part in parts:
        _take(part, sent)
    return sent


def _take(part: Message, sent: SentForm) -> None:
    name = part.get_param("name", header="content-disposition")
    encoded = "content-transfer-encoding" in part
    if part.get_content_disposition() != "form-data" or not isinstance(name, str) or part.is_multipart() or encoded:
        raise ValueError("no part of a form")
    content = cast("bytes", part.get_payload(decode=True))
    if part.get_param("filename", header="content-disposition") is None:
        sent.fields[without_nul(name)] = without_nul(content.decode())
    else:
        sent.files[name] = SentFile(part.get_content_type(), content)
