"""Where a person goes after signing in: a page of this desk, whatever the address says."""

import re
from urllib.parse import urlsplit

HOME, SIGNED_OUT = "/", "/signed-out"
LONGEST = 2_000
# Browsers read a backslash as a slash, and leave out what controls a line.
_ABROAD = re.compile(r"[\x00-\x20\x7f-\uffff\\]")
_WAYS_IN_AND_OUT = ("/sign-in", "/signed-in", "/sign-out", "/signed-out")


def page_here(address: str | None) -> str:
    """The address, if it is a page of this desk that can be returned to; its first page otherwise."""
    if not address or len(address) > LONGEST or _ABROAD.search(address):
        return HOME
    if not address.startswith("/") or address.startswith("//"):
        return HOME
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or parts.path.startswith("//"):
        return HOME
    # Who has just signed in would be sent to sign in or out again.
    return HOME if parts.path.startswith(_WAYS_IN_AND_OUT) else address
