"""The hub's opening hours: when a person is there to read what arrives. Pure."""

from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


class HubHours(BaseModel):
    """`[notification.hub_hours]` of the policy. Duty officers are called at any hour; everything else is read in these."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zone: str
    days: tuple[Day, ...] = Field(min_length=1)
    opens: time
    closes: time
    closed_on: tuple[date, ...] = ()
    """Bank holidays and the like."""

    @field_validator("zone")
    @classmethod
    def _is_known(cls, zone: str) -> str:
        ZoneInfo(zone)
        return zone

    @model_validator(mode="after")
    def _opens_first(self) -> "HubHours":
        if self.opens >= self.closes:
            raise ValueError("closes is not after opens")
        return self

    def reads_from(self, at: datetime) -> datetime:
        """When a person reads what arrives at this moment: now, or at the next opening, in the hub's time zone."""
        local = at.astimezone(ZoneInfo(self.zone))
        if self._works_on(local.date()) and self.opens <= local.time() < self.closes:
            return local
        day = local.date() if local.time() < self.opens else local.date() + timedelta(days=1)
        while not self._works_on(day):
            day += timedelta(days=1)
        return datetime.combine(day, self.opens, ZoneInfo(self.zone))

    def _works_on(self, day: date) -> bool:
        return _DAYS[day.weekday()] in self.days and day not in self.closed_on

    def sentence(self, at: datetime, *, danger: bool = False) -> str:
        """When a person will read; empty while the hub is open. In danger the duty officer is called at any hour."""
        opening = self.reads_from(at)
        if opening <= at:
            return ""
        day = f"{_NAMES[opening.weekday()]} {opening.day} {_MONTHS[opening.month - 1]}"
        if danger:
            called = "If a person at the hub has to act on this danger, the duty officer is called at once."
            return f"The hub is closed now. {called} Everything else will be read from {opening:%H:%M} on {day}."
        return f"The hub is closed now. Anything that needs a person at the hub will be read from {opening:%H:%M} on {day}."
