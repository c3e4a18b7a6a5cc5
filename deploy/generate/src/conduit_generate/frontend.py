"""GOV.UK Frontend for the pages of desks: the published files, less what belongs to GOV.UK alone.

`python -m conduit_generate.frontend` needs npm and is for whoever changes the version. Users get the files that it wrote.
"""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

VERSION = "6.3.0"
INTEGRITY = "cXIQxm5PHCsbic47GXZrVBZhAeeshTLRL6ZBKilLsR6rMCjJuWb7Fruq0VUNMBJFlJk/srsRj/q8d5bM9cgKoA=="
"""sha512 of the package, as the registry has it."""
STATIC = Path(__file__).parents[4] / "services" / "web" / "src" / "conduit_web" / "static"
SUMS = "SHA256SUMS"
_FONT_FACE = re.compile(r"@font-face\{[^}]*\}")
_PICTURE = re.compile(r"url\(/assets/[^)]*\)")
_SOURCE_MAP = re.compile(r"\n?(//|/\*)# sourceMappingURL=.*$", re.MULTILINE)


def stylesheet(published: str) -> str:
    """Without the typeface, which may only be used on GOV.UK, and without the crest."""
    without = _PICTURE.sub("none", _FONT_FACE.sub("", published))
    return _SOURCE_MAP.sub("", without.replace("GDS Transport,arial", "arial")) + "\n"


def script(published: str) -> str:
    """As published, without the address of its map."""
    return _SOURCE_MAP.sub("", published).rstrip() + "\n"


def published() -> dict[str, str]:
    """The files of the package that are used, by their names in `STATIC`.

    Raises:
        RuntimeError: the package is not the one named here.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"govuk-frontend@{VERSION}"]
        subprocess.run(command, cwd=folder, check=True, timeout=120)  # noqa: S603
        (package,) = Path(folder).glob("*.tgz")
        if base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode() != INTEGRITY:
            raise RuntimeError(f"{package.name} is not the package whose checksum is known")
        with tarfile.open(package) as archive:
            style, code = (_text(archive, f"govuk-frontend.min.{kind}") for kind in ("css", "js"))
    return {"govuk-frontend.min.css": stylesheet(style), "govuk-frontend.min.js": script(code)}


def _text(archive: tarfile.TarFile, name: str) -> str:
    member = archive.extractfile(f"package/dist/govuk/{name}")
    if member is None:
        raise RuntimeError(f"the package has no {name}")
    return member.read().decode()


def sums() -> str:
    """The checksums of all that browsers are given, as sha256sum writes them."""
    files = sorted(path for path in STATIC.iterdir() if path.name != SUMS)
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


if __name__ == "__main__":
    for file, text in published().items():
        (STATIC / file).write_text(text, encoding="utf-8")
    (STATIC / SUMS).write_text(sums(), encoding="utf-8")
