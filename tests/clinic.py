"""A small test clinic in New York: one group meets on Monday, Wednesday and Friday from 9:00 to 12:00 (14:00 to 17:00 UTC)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.test import Client

from accounts.models import User
from accounts.permissions import Role
from attendance.models import Attendance, AttendanceStatus
from attendance.services.ledgers import ledger_with_openings
from attendance.services.marks import Mark, mark_booking
from attendance.services.roster import ANY
from patients.models import Episode
from scheduling.models import Booking, Session, Site, Track
from scheduling.services.rulebook import RuleBook
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_meeting,
    make_patient,
    make_session,
    make_site,
    make_staff,
    make_track,
    make_weekday_track,
)

WEDNESDAY, THURSDAY, FRIDAY = (MONDAY + timedelta(days=number) for number in (2, 3, 4))
BEFORE = datetime(2026, 11, 23, 13, tzinfo=UTC)
DURING = datetime(2026, 11, 23, 15, tzinfo=UTC)
AFTER = datetime(2026, 11, 23, 18, tzinfo=UTC)
THURSDAY_NOON = datetime(2026, 11, 26, 17, tzinfo=UTC)
NEXT_MONDAY = datetime(2026, 11, 30, 15, tzinfo=UTC)


def at(clock: str, day: date = MONDAY) -> datetime:
    """Convert a New York wall-clock time in winter, such as "9:20", to a datetime in UTC."""
    hour, minute = map(int, clock.split(":"))
    return datetime(day.year, day.month, day.day, hour + 5, minute, tzinfo=UTC)


@dataclass
class Clinic:
    site: Site
    track: Track
    sessions: list[Session]
    leader: User
    colleague: User
    coordinator: User
    reviewer: User
    administrator: User
    stranger: User

    @property
    def monday(self) -> Session:
        self.sessions[0].refresh_from_db()
        return self.sessions[0]

    def admit(self, first_name: str = "Rosa", *, starts: date = MONDAY, **fields: Any) -> Episode:
        """Admit and enroll a new patient, and book the week's sessions from the start date on."""
        patient = make_patient(self.site, first_name)
        episode = admit(patient, starts, **fields)
        enrollment = enroll(episode, self.track, starts)
        for session in self.sessions:
            if session.on >= starts:
                book(session, enrollment)
        return episode

    def mark(self, booking: Booking, status: str = "present", now: datetime | None = None, **fields: Any) -> Attendance:
        mark = Mark(AttendanceStatus(status), **fields)
        return mark_booking(booking=booking, mark=mark, by=self.leader, now=now or booking.ends, seen_at=ANY)


def make_clinic() -> Clinic:
    site = make_site()
    leader = make_staff(Role.CLINICIAN, site, name="Ada Park")
    track = make_weekday_track(site, lead=leader)
    sessions = [
        make_session(meeting, MONDAY + timedelta(days=meeting.weekday))
        for meeting in track.meetings.order_by("weekday")
    ]
    return Clinic(
        site=site,
        track=track,
        sessions=sessions,
        leader=leader,
        colleague=make_staff(Role.CLINICIAN, site, name="Ben Ortiz"),
        coordinator=make_staff(Role.COORDINATOR, site, name="Cleo Marsh"),
        reviewer=make_staff(Role.REVIEWER, site, name="Dana Wolfe"),
        administrator=make_staff(Role.ADMINISTRATOR, site, name="Edda Holm"),
        stranger=make_staff(Role.COORDINATOR, make_site("Elm Road"), name="Finn Gray"),
    )


def client_for(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def booking_of(episode: Episode, day: date = MONDAY) -> Booking:
    return Booking.objects.get(episode=episode, session__on=day)


def make_opening(clinic: Clinic, day: date) -> Session:
    """Create another published track, and an afternoon session of that track with free spots."""
    meeting = make_meeting(clinic.site, day.weekday(), "13:00", "16:00")
    make_track(clinic.site, [meeting], name="Afternoon track")
    return make_session(meeting, day)


def openings_in_week(episode: Episode, day: date, now: datetime) -> list[Session]:
    """Return the sessions that could serve the patient as make-up sessions in the week that contains the day."""
    week = RuleBook.of(episode.site).week_around(day)
    return ledger_with_openings(episode=episode, week=week, now=now)[1]


def miss_monday_and_wednesday(clinic: Clinic, episode: Episode) -> None:
    clinic.mark(booking_of(episode), "no_show")
    clinic.mark(booking_of(episode, WEDNESDAY), "present")
