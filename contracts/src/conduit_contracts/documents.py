"""What the documents say of themselves: whom to ask, and under which licence they may be passed on."""

from collections.abc import Mapping

CONTACT: Mapping[str, str] = {
    "name": "The referral programme",
    "url": "https://conduit.example",
    "email": "programme@conduit.example",
}
LICENCE: Mapping[str, str] = {
    "name": "Open Government Licence v3.0",
    "url": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
}
