"""A need as it would be if something of a life, or of what is prescribed, were otherwise. Pure; nothing is kept."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from scheduling.domain.fit import judge
from scheduling.domain.in_life import TREATMENT
from scheduling.domain.need import Need, Offer
from scheduling.domain.reasons import Key, Reason
from scheduling.domain.schedules import Schedule
from scheduling.domain.week import BusyTime


@dataclass(frozen=True, slots=True)
class Changed:
    """A commitment as it is, and what it would be: nothing if it were not there, two if it were otherwise on some days alone.

    Of two the first is what stays as it is, on fewer days.
    """

    was: BusyTime
    now: tuple[BusyTime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """What is supposed: commitments that are otherwise, another prescription, a place in meetings that are full.

    Minutes and days a week are None where they stay as prescribed.
    """

    changed: tuple[Changed, ...] = ()
    prescribed_minutes: int | None = None
    prescribed_days: int | None = None
    places_in: frozenset[Key] = field(default_factory=frozenset)

    def __bool__(self) -> bool:
        return bool(self.changed or self.prescribed_minutes or self.prescribed_days or self.places_in)

    def applied_to(self, need: Need) -> Need:
        """The need as it would be. Of commitments that it does not know nothing is supposed."""
        changed: Mapping[Key, tuple[BusyTime, ...]] = {each.was.key: each.now for each in self.changed}
        return replace(
            need,
            busy=tuple(
                part for each in need.busy for part in (changed.get(each.key, (each,)) if is_of_life(each) else (each,))
            ),
            prescribed_minutes=self.prescribed_minutes or need.prescribed_minutes,
            prescribed_days=self.prescribed_days or need.prescribed_days,
        )

    def offered(self, offers: Iterable[Offer]) -> tuple[Offer, ...]:
        """The tracks, as if the meetings in question had a place on every date."""
        return tuple(_with_places(offer, self.places_in) for offer in offers)


def is_of_life(busy: BusyTime) -> bool:
    """Whether it is a commitment, and not other treatment."""
    return busy.kind != TREATMENT


def _with_places(offer: Offer, keys: Collection[Key]) -> Offer:
    if not any(offered.meeting.key in keys for offered in offer.meetings):
        return offer
    meetings = (replace(each, full_on=()) if each.meeting.key in keys else each for each in offer.meetings)
    return replace(offer, meetings=tuple(meetings))


def against_as_it_is(schedule: Schedule, need: Need, offers: Iterable[Offer]) -> tuple[Reason, ...]:
    """What stands against a schedule that was found for what is supposed, as things are: in the `need`, at the `offers`."""
    chosen = {meeting.key for meeting in schedule.meetings}
    offered = {each.meeting.key: each for offer in offers for each in offer.meetings if each.meeting.key in chosen}
    attended = replace(schedule.offer, meetings=tuple(offered.values()))
    return judge(attended, replace(need, from_day=schedule.starts), schedule.meetings)
