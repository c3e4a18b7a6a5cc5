"""What people meet in place of the page that they asked for."""

from enum import StrEnum


class Trouble(StrEnum):
    """Each is a page that says what to do next."""

    SIGN_IN = "sign_in"
    SESSION_ENDED = "session_ended"
    START_AGAIN = "start_again"
    UNKNOWN_PERSON = "unknown_person"
    SECOND_FACTOR = "second_factor"
    FRESH_SIGN_IN = "fresh_sign_in"
    GLASS = "glass"
    REFUSED = "refused"
    MISSING = "missing"
    WRONG_METHOD = "wrong_method"
    """The address is one of the desk's, and cannot be asked for like this."""
    FORM_REFUSED = "form_refused"
    TOO_LARGE = "too_large"
    PROVIDER_DOWN = "provider_down"
    UNAVAILABLE = "unavailable"
    """The database does not answer. Trying again helps."""
    FAULT = "fault"

    @property
    def status(self) -> int:
        """The status of HTTP."""
        return _STATUS[self]


_STATUS = {
    Trouble.SIGN_IN: 401,
    Trouble.SESSION_ENDED: 401,
    Trouble.START_AGAIN: 400,
    Trouble.UNKNOWN_PERSON: 403,
    Trouble.SECOND_FACTOR: 403,
    Trouble.FRESH_SIGN_IN: 403,
    Trouble.GLASS: 403,
    Trouble.REFUSED: 403,
    Trouble.MISSING: 404,
    Trouble.WRONG_METHOD: 405,
    Trouble.FORM_REFUSED: 403,
    Trouble.TOO_LARGE: 413,
    Trouble.PROVIDER_DOWN: 503,
    Trouble.UNAVAILABLE: 503,
    Trouble.FAULT: 500,
}


class TroubleError(Exception):
    """The request gets a page that says what is wrong."""

    def __init__(self, trouble: Trouble, *, return_to: str | None = None, way_out: str | None = None) -> None:
        """Signing in leads to `return_to`, if not to what was asked for; at `way_out` one signs out at the provider."""
        super().__init__(trouble.value)
        self.trouble, self.return_to, self.way_out = trouble, return_to, way_out
