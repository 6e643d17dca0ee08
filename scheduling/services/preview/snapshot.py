"""A snapshot of a site's sessions and bookings, taken before or after an action."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from django.db.models import F

from scheduling.domain.impact.impact import BookingState, SessionState
from scheduling.models import Booking, Meeting, Session, SessionFacilitator, SessionStatus, Site, TrackStatus
from scheduling.models.booking import BookingQuerySet
from scheduling.services.rulebook import RuleBook
from timekeeping.intervals import Interval
from timekeeping.weeks import week_start

WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class SnapshotScope:
    """The sessions and bookings that an action can change: those of a site on dates in [first, until).

    If `until` is None, the dates have no end.

    `extends_horizon` is for actions that also create the site's missing sessions. Sessions that are already missing are
    created before the preview, so that the preview shows only what the action itself changes.
    """

    site: Site
    first: date
    until: date | None = None
    extends_horizon: bool = False


@dataclass(frozen=True)
class Snapshot:
    """Sessions by id, and the bookings in the sessions that are not canceled."""

    sessions: dict[int, SessionState]
    seats: list[BookingState]

    def held_in(self, line: int | None, slot: date | None) -> Iterable[SessionState]:
        """Yield the sessions whose `series` is `line` and whose `series_week` is `slot`, without canceled sessions."""
        if line is not None:
            yield from self._by_slot.get((line, slot), ())

    @cached_property
    def _by_slot(self) -> dict[tuple[int | None, date | None], list[SessionState]]:
        found: dict[tuple[int | None, date | None], list[SessionState]] = defaultdict(list)
        for each in self.sessions.values():
            if not each.is_cancelled:
                found[each.series, each.series_week].append(each)
        return found


def take_snapshot(scope: SnapshotScope, now: datetime) -> Snapshot:
    """Extend the scope to whole treatment weeks, and read its sessions and bookings. Runs seven queries."""
    first = RuleBook.of(scope.site).week_of(scope.first)
    sessions = Session.objects.filter(site=scope.site, on__gte=first)
    bookings = Booking.objects.active().filter(session__site=scope.site, week__gte=first)
    if scope.until is not None:
        last = scope.until + WEEK
        sessions, bookings = sessions.filter(on__lt=last), bookings.filter(week__lt=last)
    first_meetings = _first_meetings(scope.site)
    people: dict[int, list[str]] = defaultdict(list)
    facilitations = SessionFacilitator.objects.filter(session__in=sessions).order_by("-part", "user__name", "user")
    for session_id, name in facilitations.values_list("session", "user__name"):
        people[session_id].append(name)
    led_meetings = set(
        Meeting.objects.filter(site=scope.site, meeting_facilitators__isnull=False).values_list("pk", flat=True)
    )
    published_meetings = set(
        Meeting.objects.filter(site=scope.site, tracks__status=TrackStatus.PUBLISHED).values_list("pk", flat=True)
    )
    states = {
        session.pk: SessionState(
            key=session.pk,
            name=session.name,
            on=session.on,
            time=Interval(session.starts, session.ends),
            series=first_meetings.get(session.meeting_id or 0),
            series_week=week_start(session.pattern_date) if session.pattern_date else None,
            room=session.room.name if session.room else "",
            people=tuple(people[session.pk]),
            places=session.places,
            booked=session.booked,
            countable_minutes=session.countable_minutes,
            is_cancelled=session.status == SessionStatus.CANCELLED,
            is_open=session.status == SessionStatus.SCHEDULED
            and session.starts > now
            and session.places > 1
            and (session.meeting_id is None or session.meeting_id in published_meetings),
            lacks_room=session.meeting is not None and session.meeting.room_id is not None and session.room_id is None,
            lacks_people=session.meeting_id in led_meetings and not people[session.pk],
        )
        for session in sessions.select_related("room", "meeting").order_by()
    }
    return Snapshot(states, list(_booking_states(bookings, first_meetings)))


def _first_meetings(site: Site) -> dict[int, int]:
    """Map meeting id to the id of the first meeting in the meeting's series (see `SessionState`)."""
    previous = dict(Meeting.objects.filter(site=site).order_by().values_list("pk", "continues"))
    found = {}
    for meeting in previous:
        root, seen = meeting, {meeting}
        while (earlier := previous.get(root)) is not None and earlier not in seen:
            root = earlier
            seen.add(earlier)
        found[meeting] = root
    return found


def _booking_states(bookings: BookingQuerySet, lines: dict[int, int]) -> Iterable[BookingState]:
    """Yield the bookings in sessions that are not canceled, with the minutes that are credited or expected for each."""
    rows = bookings.exclude(session__status=SessionStatus.CANCELLED).order_by().annotate(
        patient=F("episode__patient"),
        name=F("session__name"),
        on=F("session__on"),
        meeting=F("session__meeting"),
        pattern_date=F("session__pattern_date"),
        credited=F("attendance__credited_minutes"),
        mark=F("attendance__status"),
    ).values_list(
        "patient", "session", "name", "on", "starts", "ends", "week", "countable_minutes", "credited", "mark", "meeting",
        "pattern_date", named=True,
    )  # fmt: skip
    times: dict[tuple[datetime, datetime], Interval[datetime]] = {}
    for row in rows:
        yield BookingState(
            patient=row.patient,
            session=row.session,
            name=row.name,
            on=row.on,
            time=times.setdefault((row.starts, row.ends), Interval(row.starts, row.ends)),
            week=row.week,
            minutes=row.countable_minutes if row.credited is None else row.credited,
            series=lines.get(row.meeting or 0),
            series_week=week_start(row.pattern_date) if row.pattern_date else None,
            is_excused=row.mark == "excused",
        )
