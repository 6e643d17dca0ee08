"""Where and when a session can be held. Call the checks while holding the lock under which the session is saved."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q

from accounts.models import User
from scheduling.models import Closure, Room, Session, SessionFacilitator, SessionStatus, Site
from scheduling.services.rulebook import RuleBook
from timekeeping.intervals import Interval, minutes_between
from timekeeping.occurrences import ClockEffect, at_wall_clock, clock_effect_at
from timekeeping.reasons import Reason


@dataclass(frozen=True, slots=True)
class InThePast(Reason):
    """The session would start in the past."""

    on: date
    starts: time


@dataclass(frozen=True, slots=True)
class EndTimeBeforeStart(Reason):
    """The end time is not after the start time. Sessions and counselors' hours can't extend past midnight."""

    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class SiteClosed(Reason):
    """The site is closed on the day of the session."""

    on: date
    closure: str


@dataclass(frozen=True, slots=True)
class OutsideHours(Reason):
    """The site is not open at that time. `opens` or `closes` is None if the site has no such limit."""

    opens: time | None
    closes: time | None


@dataclass(frozen=True, slots=True)
class SkippedTime(Reason):
    """The time `wall` does not exist on that day, because the clocks go forward past it."""

    on: date
    wall: time


@dataclass(frozen=True, slots=True)
class RoomTaken(Reason):
    """Another session is in the room. `starts` and `ends` are the other session's times, in the site's local time."""

    room: str
    session: str
    on: date
    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class FacilitatorTaken(Reason):
    """A facilitator leads or assists in another session at that time, perhaps at another site.

    `starts` and `ends` are the other session's times, in this site's local time.
    """

    facilitator: str
    session: str
    on: date
    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class RoomTooSmall(Reason):
    """The session would have more spots than the room holds."""

    room: str
    holds: int
    places: int


@dataclass(frozen=True, slots=True)
class RoomRetired(Reason):
    """The room is no longer used. `since` is the first day on which it is not used."""

    room: str
    since: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A room, a date, and the start and end on this date in the site's local time."""

    on: date
    starts: time
    ends: time
    room: Room | None = None


def slot_interval(slot: Slot, site: Site) -> Interval[datetime]:
    """Return the slot as an interval of instants. The slot must have passed `check_times`.

    A local time that occurs twice, because the clocks go back, counts as its first occurrence.
    """
    return Interval(at_wall_clock(slot.on, slot.starts, site.zone), at_wall_clock(slot.on, slot.ends, site.zone))


def check_times(slot: Slot, site: Site, now: datetime) -> Iterable[Reason]:
    """Yield the reasons why a session can't be held on the date and at the times of the slot.

    Possible reasons: the end is not after the start, a clock change skips one of the times, the site is closed, the
    times are outside opening hours, or the start is in the past.
    """
    if slot.starts >= slot.ends:
        yield EndTimeBeforeStart(slot.starts, slot.ends)
        return
    for wall in (slot.starts, slot.ends):
        if clock_effect_at(slot.on, wall, site.zone) == ClockEffect.SKIPPED:
            yield SkippedTime(slot.on, wall)
    for closure in Closure.objects.filter(site=site).overlapping(slot.on, slot.on + timedelta(days=1)):
        yield SiteClosed(slot.on, closure.reason)
    yield from check_opening_hours(slot.starts, slot.ends, site)
    if at_wall_clock(slot.on, slot.starts, site.zone) <= now:
        yield InThePast(slot.on, slot.starts)


def check_opening_hours(starts: time, ends: time, site: Site) -> Iterable[Reason]:
    """Yield OutsideHours if the site is not open from `starts` to `ends`."""
    if (site.opens and starts < site.opens) or (site.closes and ends > site.closes):
        yield OutsideHours(site.opens, site.closes)


def check_room_capacity(room: Room | None, places: int) -> Iterable[Reason]:
    """Yield RoomTooSmall if there are more spots than the room holds."""
    if room is not None and places > room.places:
        yield RoomTooSmall(room.name, room.places, places)


def check_room_in_use(room: Room | None, until: date | None) -> Iterable[Reason]:
    """Yield RoomRetired if the room is retired before its use ends.

    `until` is the day after the last day of use, or None if the use has no end.
    """
    if room is not None and room.retired_from is not None and (until is None or until > room.retired_from):
        yield RoomRetired(room.name, room.retired_from)


def check_room(
    room: Room | None, time_: Interval[datetime], places: int, site: Site, *, apart_from: int | None = None
) -> Iterable[Reason]:
    """Yield reasons against the room: RoomTooSmall, RoomRetired, and RoomTaken for each other session in it at that time.

    `apart_from` is the id of a session to ignore.
    """
    if room is None:
        return
    yield from check_room_in_use(room, time_.end.astimezone(site.zone).date() + timedelta(days=1))
    yield from check_room_capacity(room, places)
    others = Session.objects.filter(room=room, starts__lt=time_.end, ends__gt=time_.start)
    for other in others.exclude(status=SessionStatus.CANCELLED).exclude(pk=apart_from or 0):
        yield RoomTaken(room.name, other.name, other.on, *_local_times(other, site))


def check_facilitators(
    people: Collection[User], time_: Interval[datetime], site: Site, *, apart_from: int | None = None
) -> Iterable[Reason]:
    """Yield FacilitatorTaken for each other session, at any site, that one of the people has at that time.

    `apart_from` is the id of a session to ignore.
    """
    taken = SessionFacilitator.objects.filter(
        user__in=[person.pk for person in people], starts__lt=time_.end, ends__gt=time_.start
    )
    others = taken.filter(~Q(session=apart_from)) if apart_from else taken
    for each in others.select_related("session", "user").order_by("user__name", "starts"):
        yield facilitator_taken(each, site)


def facilitator_taken(other: SessionFacilitator, site: Site) -> FacilitatorTaken:
    """Return a facilitator's `other` session as a reason, with the session's times in the local time of `site`."""
    session = other.session
    return FacilitatorTaken(str(other.user), session.name, session.on, *_local_times(session, site))


def _local_times(session: Session, site: Site) -> tuple[time, time]:
    return session.starts.astimezone(site.zone).time(), session.ends.astimezone(site.zone).time()


def apply_slot(session: Session, slot: Slot, book: RuleBook) -> None:
    """Set the session's date, times and countable minutes, without saving it.

    The break moves along with the start of the session, or is dropped if it no longer lies within the session.
    """
    hours = slot_interval(slot, session.site)
    if session.break_starts is not None and session.break_ends is not None:
        offset = hours.start - session.starts
        begins, ends = session.break_starts + offset, session.break_ends + offset
        inside = hours.start < begins and ends < hours.end
        session.break_starts, session.break_ends = (begins, ends) if inside else (None, None)
    session.on, session.starts, session.ends = slot.on, hours.start, hours.end
    session.countable_minutes = countable_minutes(session, book)


def countable_minutes(session: Session, book: RuleBook) -> int:
    """Return the session's minutes that count toward weekly hours, or 0 if its service type doesn't count.

    The break counts only if the rules in force in the session's week say so (product rule).
    """
    if not session.service_type.countable:
        return 0
    minutes = minutes_between(session.starts, session.ends)
    if session.break_starts is None or session.break_ends is None or book.on(book.week_of(session.on)).breaks_count:
        return minutes
    return minutes - minutes_between(session.break_starts, session.break_ends)


def slot_of(session: Session) -> Slot:
    """Return the date, local times and room of a session. Reads the session's site and room."""
    starts, ends = session.local_starts(), session.local_ends()
    return Slot(on=session.on, starts=starts.time(), ends=ends.time(), room=session.room)
