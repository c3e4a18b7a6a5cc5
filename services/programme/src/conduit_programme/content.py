"""All that people wrote, and who they are: words, names, contacts, files. No other module here reads or writes it.

Other tables hold ids, codes and days, and the id of what belongs here. So what is deleted here is gone from every page on
the next read, and what is to be encrypted is in one place. Each part has models of its own for what it keeps. Note a view
first (`trail.acting`).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel

from conduit_chassis.postgres import Connection, affected
from conduit_contracts.ids import uuid7

MOST_BYTES = 64_000
MOST_FILE_BYTES = 10 * 1024 * 1024
_FILE = "file"
_WRITE = "INSERT INTO contents (content_id, kind, body, written_at) VALUES ($1, $2, $3, $4)"
_READ = "SELECT content_id, body FROM contents WHERE kind = $1 AND content_id = ANY($2::uuid[])"
_READ_FILE = "SELECT body FROM contents WHERE kind = $1 AND content_id = $2"
_ERASE = "DELETE FROM contents WHERE content_id = ANY($1::uuid[])"

Said = TypeVar("Said", bound=BaseModel)


class TooLongError(ValueError):
    """It is more than is kept in one piece."""


async def write(connection: Connection, said: BaseModel, now: datetime) -> UUID:
    """Keep it; returns the id by which it is found, and erased.

    Raises:
        TooLongError: it is more than is kept in one piece.
    """
    content_id = uuid7(now)
    await connection.execute(_WRITE, content_id, kind_of(type(said)), _body(said), now)
    return content_id


async def replace(
    connection: Connection, before: Iterable[UUID | None], said: BaseModel | None, now: datetime
) -> UUID | None:
    """Delete what was kept, and keep this instead under a new id; None where there is nothing to be kept.

    Raises:
        TooLongError: it is more than is kept in one piece.
    """
    await erase(connection, before)
    return await write(connection, said, now) if said is not None else None


async def read(connection: Connection, model: type[Said], content_ids: Iterable[UUID | None]) -> dict[UUID, Said]:
    """What is kept under these ids and is of this model. What was erased is not among it."""
    wanted = [each for each in content_ids if each is not None]
    rows = await connection.fetch(_READ, kind_of(model), wanted) if wanted else []
    return {row["content_id"]: model.model_validate_json(bytes(row["body"])) for row in rows}


async def write_file(connection: Connection, body: bytes, now: datetime) -> UUID:
    """Keep a file as it is; returns the id by which it is found, and erased.

    Raises:
        TooLongError: it is more than is kept of one file.
    """
    if len(body) > MOST_FILE_BYTES:
        raise TooLongError("a file has at most 10 MiB")
    content_id = uuid7(now)
    await connection.execute(_WRITE, content_id, _FILE, body, now)
    return content_id


async def read_file(connection: Connection, content_id: UUID | None) -> bytes | None:
    """The file of this id; None where there is none, or it was erased."""
    body = await connection.fetchval(_READ_FILE, _FILE, content_id)
    return None if body is None else bytes(body)


async def erase(connection: Connection, content_ids: Iterable[UUID | None]) -> int:
    """Delete them for good; returns how many there were."""
    wanted = [each for each in content_ids if each is not None]
    return affected(await connection.execute(_ERASE, wanted)) if wanted else 0


def kind_of(model: type[BaseModel]) -> str:
    """What the table calls a model: its name with underscores, so that one cannot be read as another."""
    name = model.__name__
    return name[0].lower() + "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name[1:])


def _body(said: BaseModel) -> bytes:
    body = said.model_dump_json(exclude_defaults=True).encode()
    if len(body) > MOST_BYTES:
        raise TooLongError("a piece has at most 64,000 bytes")
    return body
