"""A patient whose history is entered step by step, and everything about the patient that a correction must get right."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from accounts.models import User
from accounts.permissions import Role
from attendance.models import AttendanceStatus
from attendance.services.marks import Mark, mark_booking
from attendance.services.roster import ANY
from attendance.services.week_states import weeks_so_far
from patients.models import Episode, Patient
from patients.services.care.episodes import LevelValues, admit_patient
from scheduling.domain.hours.rules import HoursRules
from scheduling.models import Booking, Enrollment, EnrollmentMeeting, Session, Site, Track, WaitingEntry
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.documents.feeds import create_feed, serve_feed
from scheduling.services.enrollment.enroll import enroll_patient
from tests.factories import MONDAY, make_patient, make_site, make_staff, make_weekday_track

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
BEGINNING = datetime(2026, 11, 23, 12, tzinfo=UTC)
ORDERED_BY = "Dr. Imani Cole, MD"


class History:
    """A site with a track on Monday, Wednesday and Friday, and a patient. `now` is the time of the next entry."""

    def __init__(self, **fields: Any) -> None:
        self.now = BEGINNING
        self.site: Site = make_site()
        self.by: User = make_staff(Role.COORDINATOR, self.site)
        self.lead: User = make_staff(Role.CLINICIAN, self.site)
        self.track: Track = make_weekday_track(self.site, lead=self.lead, **fields)
        self.patient: Patient = make_patient(self.site)
        extend_horizon(site=self.site, now=self.now)
        self.feed, _ = create_feed(patient=self.patient, **self.said)

    @property
    def said(self) -> dict[str, Any]:
        return {"by": self.by, "now": self.now}

    @property
    def today(self) -> date:
        return self.site.today_at(self.now)

    @property
    def episode(self) -> Episode:
        return Episode.objects.select_related("site", "patient").prefetch_related("spans").get(patient=self.patient)

    @property
    def enrollment(self) -> Enrollment:
        return Enrollment.objects.get(episode=self.episode)

    def admit(self, starts: date = MONDAY) -> None:
        values = LevelValues(
            level="2.1", prescribed_minutes=540, prescribed_days=3, starts=starts, stated_by=ORDERED_BY
        )
        admit_patient(patient=self.patient, values=values, rules=HoursRules(), **self.said)

    def enroll(self, starts: date = MONDAY) -> None:
        enroll_patient(
            episode=self.episode, track=self.track, meetings=list(self.track.meetings.all()), starts=starts, **self.said
        )

    def live_until(self, day: date) -> None:
        """Let the time pass until the evening of the day, and run the nightly job."""
        self.now = datetime(day.year, day.month, day.day, 23, tzinfo=UTC)
        extend_horizon(site=self.site, now=self.now)

    def attend(self, day: date) -> None:
        booking = Booking.objects.active().get(episode=self.episode, session__on=day)
        mark_booking(booking=booking, mark=Mark(AttendanceStatus.PRESENT), seen_at=ANY, **self.said)

    def fill(self, day: date) -> None:
        """Give the last spots of the day's session to other patients."""
        session = Session.objects.get(site=self.site, on=day)
        session.booked = session.places
        session.save(update_fields=["booked"])


def facts(history: History) -> dict[str, Any]:
    """Return what the patient's record says: bookings, enrollments, levels, waits, weekly hours, and the calendar."""
    episodes = Episode.objects.filter(patient=history.patient).order_by("starts")
    enrollments = Enrollment.objects.filter(episode__in=episodes).order_by("starts", "pk")
    history.feed.refresh_from_db()
    rendered = serve_feed(feed=history.feed, now=history.now)
    lines = rendered.body.decode().splitlines() if rendered else []
    events = [line for line in lines if line.startswith(("DTSTART", "DTEND", "SUMMARY"))]
    return {
        "episodes": list(episodes.values_list("starts", "ends", "discharge_reason")),
        "levels": [list(each.spans.order_by("starts").values_list("level", "starts", "ends")) for each in episodes],
        "enrollments": list(enrollments.values_list("track", "starts", "ends", "end_reason")),
        "meetings": list(
            EnrollmentMeeting.objects.filter(enrollment__in=enrollments)
            .order_by("meeting__weekday", "meeting__starts", "starts")
            .values_list("meeting__weekday", "meeting__starts", "starts", "ends")
        ),
        "booked": list(
            Booking.objects.active()
            .of_patient(history.patient.pk)
            .order_by("starts")
            .values_list("session__name", "starts", "ends", "week", "attendance__credited_minutes")
        ),
        "waits": list(
            WaitingEntry.objects.open().filter(episode__in=episodes).values_list("track", "requested_at").order_by("pk")
        ),
        "weeks": [weeks_so_far(episode_id=each.pk, now=history.now) for each in episodes],
        "calendar": sorted(events),
    }
