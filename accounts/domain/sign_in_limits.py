"""When a sign-in ends by itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class EndedBy(StrEnum):
    """Why a sign-in ended by itself."""

    IDLE = "idle"
    """The person did nothing for too long."""
    LIMIT = "limit"
    """The sign-in reached its longest duration, a working day. It ends even if the person is still active."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLimits:
    """When a person signed in and was last active, and how long a sign-in lasts (product rule)."""

    signed_in_at: datetime
    active_at: datetime
    longest_pause: timedelta
    longest: timedelta

    @property
    def latest_end(self) -> datetime:
        """When the sign-in ends even if the person stays active."""
        return self.signed_in_at + self.longest

    @property
    def ends_at(self) -> datetime:
        """When the sign-in ends if the person does nothing more."""
        return min(self.active_at + self.longest_pause, self.latest_end)

    def ended_by(self, now: datetime) -> EndedBy | None:
        """Return why the sign-in has ended, or None if it goes on."""
        if now >= self.latest_end:
            return EndedBy.LIMIT
        return EndedBy.IDLE if now >= self.ends_at else None

    @property
    def noted_every(self) -> timedelta:
        """Minimum time between two notes of activity: a minute, or a tenth of `longest_pause` if that is shorter."""
        return min(timedelta(minutes=1), self.longest_pause / 10)

    def must_note_activity(self, now: datetime) -> bool:
        """Whether it is time to note that the person is active."""
        return now - self.active_at >= self.noted_every
