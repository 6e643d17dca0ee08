"""Where and when a session can be: asked before it is written, under the lock that it is written under."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q

from accounts.models import User
from scheduling.models import Closure, Room, Session, SessionFacilitator, SessionStatus, Site
from scheduling.services.reasons import (
    ClosedOn,
    EndsBeforeItStarts,
    FacilitatorTaken,
    InThePast,
    OutsideHours,
    RoomTaken,
    RoomTooSmall,
    SkippedTime,
)
from scheduling.services.rulebook import RuleBook
from timekeeping.intervals import Interval, minutes_between
from timekeeping.occurrences import Quirk, at_wall_clock, quirk_at
from timekeeping.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A date, a time on the wall clock within it, and a room: where a session is to be."""

    on: date
    starts: time
    ends: time
    room: Room | None = None


def hours_of(slot: Slot, site: Site) -> Interval[datetime]:
    """The slot's instants. Of a time that comes twice the first is meant. Only for one that `against_slot` has nothing to."""
    return Interval(at_wall_clock(slot.on, slot.starts, site.zone), at_wall_clock(slot.on, slot.ends, site.zone))


def against_times(slot: Slot, site: Site, now: datetime) -> Iterable[Reason]:
    """What stands against date and times alone: backwards, skipped by the clocks, closed, outside hours, in the past."""
    if slot.starts >= slot.ends:
        yield EndsBeforeItStarts(slot.starts, slot.ends)
        return
    for wall in (slot.starts, slot.ends):
        if quirk_at(slot.on, wall, site.zone) == Quirk.SKIPPED:
            yield SkippedTime(slot.on, wall)
    for closure in Closure.objects.filter(site=site).touching(slot.on, slot.on + timedelta(days=1)):
        yield ClosedOn(slot.on, closure.reason)
    yield from against_hours(slot.starts, slot.ends, site)
    if at_wall_clock(slot.on, slot.starts, site.zone) <= now:
        yield InThePast(slot.on, slot.starts)


def against_hours(starts: time, ends: time, site: Site) -> Iterable[Reason]:
    """The site is not open then."""
    if (site.opens and starts < site.opens) or (site.closes and ends > site.closes):
        yield OutsideHours(site.opens, site.closes)


def against_size(room: Room | None, places: int) -> Iterable[Reason]:
    """More places than the room holds."""
    if room is not None and places > room.places:
        yield RoomTooSmall(room.name, room.places, places)


def against_room(
    room: Room | None, time_: Interval[datetime], places: int, site: Site, *, apart_from: int | None = None
) -> Iterable[Reason]:
    """Another session in the room at the time, or more places than it holds."""
    if room is None:
        return
    yield from against_size(room, places)
    others = Session.objects.filter(room=room, starts__lt=time_.end, ends__gt=time_.start)
    for other in others.exclude(status=SessionStatus.CANCELLED).exclude(pk=apart_from or 0):
        yield RoomTaken(room.name, other.name, other.on, *_wall(other, site))


def against_people(
    people: Collection[User], time_: Interval[datetime], site: Site, *, apart_from: int | None = None
) -> Iterable[Reason]:
    """Another session, at any site, that one of these people leads or assists in at the time."""
    taken = SessionFacilitator.objects.filter(
        user__in=[person.pk for person in people], starts__lt=time_.end, ends__gt=time_.start
    )
    others = taken.filter(~Q(session=apart_from)) if apart_from else taken
    for each in others.select_related("session", "user").order_by("user__name", "starts"):
        yield FacilitatorTaken(str(each.user), each.session.name, each.session.on, *_wall(each.session, site))


def _wall(session: Session, site: Site) -> tuple[time, time]:
    return session.starts.astimezone(site.zone).time(), session.ends.astimezone(site.zone).time()


def put(session: Session, slot: Slot, book: RuleBook) -> None:
    """Gives the session, unsaved, the slot's date and times, its break as far from its start as before if that still lies
    inside, and what it counts under the rules of its week."""
    hours = hours_of(slot, session.site)
    if session.break_starts is not None and session.break_ends is not None:
        offset = hours.start - session.starts
        begins, ends = session.break_starts + offset, session.break_ends + offset
        inside = hours.start < begins and ends < hours.end
        session.break_starts, session.break_ends = (begins, ends) if inside else (None, None)
    session.on, session.starts, session.ends = slot.on, hours.start, hours.end
    session.countable_minutes = countable_minutes(session, book)


def countable_minutes(session: Session, book: RuleBook) -> int:
    """Minutes that pass, less the break unless the rules of its week count breaks; none if the service does not count."""
    if not session.service_type.countable:
        return 0
    minutes = minutes_between(session.starts, session.ends)
    if session.break_starts is None or session.break_ends is None or book.on(book.week_of(session.on)).breaks_count:
        return minutes
    return minutes - minutes_between(session.break_starts, session.break_ends)
