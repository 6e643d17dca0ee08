"""The values of a track or meeting as entered, before anything is saved."""

from dataclasses import dataclass
from datetime import date, time

from accounts.models import User
from scheduling.models import Room, ServiceType, Track
from timekeeping.occurrences import MeetingPattern


@dataclass(frozen=True, kw_only=True)
class TrackValues:
    """Values of a track.

    `individual_minutes` are per week. `from_age` and `to_age` are the lowest and the highest age, in years, that a
    patient may have on the first day of treatment.
    """

    code: str
    name: str
    population: str = ""
    individual_minutes: int = 0
    entry: str = "rolling"
    cohort_starts: tuple[date, ...] = ()
    level: str = ""
    from_age: int | None = None
    to_age: int | None = None


@dataclass(frozen=True, kw_only=True)
class MeetingValues:
    """Values of a meeting. Times are in the site's local time. The meeting runs on dates in [runs_from, runs_until)."""

    code: str
    name: str
    weekday: int
    starts: time
    ends: time
    service_type: ServiceType
    places: int
    runs_from: date
    runs_until: date | None = None
    anchor: date | None = None
    break_starts: time | None = None
    break_ends: time | None = None
    room: Room | None = None
    modality: str = "in_person"
    lead: User | None = None
    assistants: tuple[User, ...] = ()
    tracks: tuple[Track, ...] = ()

    def as_pattern(self) -> MeetingPattern:
        """Return the weekly pattern of the meeting, without its break."""
        return MeetingPattern(
            weekday=self.weekday,
            anchor=self.anchor,
            starts=self.starts,
            ends=self.ends,
            runs_from=self.runs_from,
            runs_until=self.runs_until,
        )
