"""A slow but simple computation of bookings, sessions and weekly hours. Tests compare it with the real computation."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any

from attendance.models import Attendance
from patients.models import LevelOfCareSpan
from scheduling.models import (
    Booking,
    Closure,
    EnrollmentMeeting,
    Meeting,
    Session,
    SessionFacilitator,
    Site,
    TrackStatus,
)

SESSION_FIELDS = ("pk", "meeting", "pattern_date", "on", "starts", "ends", "room", "places", "booked", "status", "name")
BOOKING_FIELDS = (
    "pk",
    "session",
    "episode",
    "enrollment",
    "starts",
    "ends",
    "countable_minutes",
    "week",
    "released_at",
)


def past_rows(now: datetime) -> list[Any]:
    """Return all rows of sessions that have begun, including bookings, facilitators and marks."""
    begun = Session.objects.filter(starts__lte=now)
    return [
        *begun.order_by("pk").values_list(*SESSION_FIELDS),
        *Booking.objects.filter(session__in=begun).order_by("pk").values_list(*BOOKING_FIELDS),
        *SessionFacilitator.objects.filter(session__in=begun).order_by("pk").values_list("session", "user", "part"),
        *Attendance.objects.filter(booking__session__in=begun).order_by("pk").values_list(),
    ]


def all_rows() -> list[Any]:
    """Return all rows of the tables that a refused action must leave unchanged."""
    return [
        list(model._default_manager.order_by("pk").values_list())
        for model in (Session, Booking, SessionFacilitator, Meeting, EnrollmentMeeting, Closure, Attendance)
    ]


def seats() -> Counter[tuple[int, datetime, datetime, bool]]:
    """Count active bookings by patient, start, end, and whether the patient is excused. Skip canceled sessions."""
    bookings = Booking.objects.filter(released_at=None).exclude(session__status="cancelled")
    rows = bookings.values_list("episode__patient", "session__starts", "session__ends", "attendance__status")
    return Counter((patient, starts, ends, status == "excused") for patient, starts, ends, status in rows)


def held_sessions() -> Counter[tuple[Any, ...]]:
    """Count sessions by name, start, end, room, facilitators and spots. Skip canceled sessions."""
    sessions = Session.objects.exclude(status="cancelled").select_related("room")
    return Counter(
        (
            session.name,
            session.starts,
            session.ends,
            session.room.name if session.room else "",
            tuple(sorted(each.user.name for each in session.session_facilitators.select_related("user"))),
            session.places,
        )
        for session in sessions
    )


def week_totals() -> dict[tuple[int, date], tuple[int, int]]:
    """Map (patient id, Monday) to the minutes and days of treatment in the week, both credited and still to come."""
    found: dict[tuple[int, date], list[tuple[int, date]]] = {}
    for booking in (
        Booking.objects.filter(released_at=None)
        .exclude(session__status="cancelled")
        .select_related("session", "episode", "attendance")
    ):
        mark = getattr(booking, "attendance", None)
        minutes = mark.credited_minutes if mark else booking.session.countable_minutes
        monday = booking.session.on - timedelta(days=booking.session.on.weekday())
        found.setdefault((booking.episode.patient_id, monday), []).append((minutes, booking.session.on))
    return {
        key: (sum(minutes for minutes, _ in each), len({on for minutes, on in each if minutes}))
        for key, each in found.items()
    }


def week_drops(
    before: dict[tuple[int, date], tuple[int, int]], after: dict[tuple[int, date], tuple[int, int]], until: date
) -> set[tuple[int, date, int, int]]:
    """Return the weeks that lost minutes and now have too few minutes, or lost days and now have too few days.

    Weeks after a discharge are left out. Weeks that end after `until` are also left out, because some of their sessions
    do not exist yet.
    """
    found = set()
    for (patient, week), (minutes, days) in before.items():
        then_minutes, then_days = after.get((patient, week), (0, 0))
        span = LevelOfCareSpan.objects.select_related("episode").get(episode__patient=patient)
        if week + timedelta(weeks=1) > until or (span.episode.ends is not None and span.episode.ends <= week):
            continue
        if (then_minutes < minutes and then_minutes < span.prescribed_minutes) or (
            then_days < days and then_days < span.prescribed_days
        ):
            found.add((patient, week, then_minutes, then_days))
    return found


def overlapping_pairs(times: Iterable[tuple[Any, datetime, datetime]]) -> list[Any]:
    """Return all pairs of overlapping times that belong to the same patient, room or facilitator."""
    rows = list(times)
    return [
        (first, second)
        for first, second in combinations(rows, 2)
        if first[0] == second[0] and first[1] < second[2] and second[1] < first[2]
    ]


def double_bookings() -> list[Any]:
    held = Session.objects.exclude(status="cancelled")
    patients = Booking.objects.filter(released_at=None).values_list(
        "episode__patient", "session__starts", "session__ends"
    )
    rooms = held.exclude(room=None).values_list("room", "starts", "ends")
    people = SessionFacilitator.objects.exclude(session__status="cancelled").values_list(
        "user", "session__starts", "session__ends"
    )
    return [*overlapping_pairs(patients), *overlapping_pairs(rooms), *overlapping_pairs(people)]


def wrong_booked_counts() -> list[Any]:
    return [
        (session.pk, session.booked)
        for session in Session.objects.all()
        if session.booked != session.bookings.filter(released_at=None).count() or session.booked > session.places
    ]


def wrong_copies() -> list[Any]:
    """Return bookings and facilitators whose times differ from their session's, and sessions with a wrong date."""
    wrong: list[Any] = []
    for booking in Booking.objects.filter(released_at=None).select_related("session"):
        session = booking.session
        monday = session.on - timedelta(days=session.on.weekday())
        source = (session.starts, session.ends, session.countable_minutes, monday)
        if (booking.starts, booking.ends, booking.countable_minutes, booking.week) != source:
            wrong.append(booking)
    for each in SessionFacilitator.objects.select_related("session"):
        is_held = each.session.status != "cancelled"
        if (each.starts, each.ends) != ((each.session.starts, each.session.ends) if is_held else (None, None)):
            wrong.append(each)
    for session in Session.objects.select_related("site"):
        if session.starts.astimezone(session.site.zone).date() != session.on:
            wrong.append(session)
    return wrong


def expected_sessions(site: Site, first: date, until: date) -> dict[tuple[int, date], tuple[datetime, datetime]]:
    """Map (meeting id, date) to the start and end, in UTC, of each session that should exist.

    These are the sessions of published tracks on dates in [first, until).
    """
    closed = [(closure.starts, closure.ends) for closure in Closure.objects.filter(site=site)]
    found = {}
    for meeting in Meeting.objects.filter(site=site, tracks__status=TrackStatus.PUBLISHED).distinct():
        day = first
        while day < until:
            runs = meeting.runs_from <= day and (meeting.runs_until is None or day < meeting.runs_until)
            open_ = not any(starts <= day < ends for starts, ends in closed)
            if runs and open_ and day.weekday() == meeting.weekday:
                starts, ends = (
                    datetime.combine(day, wall_time, site.zone).astimezone(UTC)
                    for wall_time in (meeting.starts, meeting.ends)
                )
                found[meeting.pk, day] = (starts, ends)
            day += timedelta(days=1)
    return found
