"""What is kept of activities and next steps as content."""

from conduit_contracts.base import Value


class ActivityWords(Value):
    """What came of it, and who was there by role."""

    outcome: str = ""
    roles: str = ""


class StepWords(Value):
    """What is to be done."""

    what: str
