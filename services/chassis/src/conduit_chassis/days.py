"""What day it is where a rule holds from one day to another: that of the people whom the conduit serves, on every side.

Who offers something and who judges it ask here, so that neither is a day ahead. A partner's agreement has a time zone of its
own, which intake's settings say.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
"""The time of partners, forces and the hub."""


def day_of(moment: datetime) -> date:
    """The day on which this was, in London."""
    return moment.astimezone(LONDON).date()
