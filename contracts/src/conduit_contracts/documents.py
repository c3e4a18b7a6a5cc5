"""What the documents say of themselves: whom to ask, and under which licence they may be passed on."""

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
