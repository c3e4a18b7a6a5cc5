"""What the generated documents say about themselves: who to ask, and their licence."""

from collections.abc import Mapping

CONTACT: Mapping[str, str] = {
    "name": "The referral programme",
    "url": "https://conduit.example",
    "email": "programme@conduit.example",
}
LICENCE: Mapping[str, str] = {
    "name": "MIT",
    "url": "https://opensource.org/license/mit",
}
