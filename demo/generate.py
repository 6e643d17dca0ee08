"""Gives the demo clinic a past and a present: the same for the same day, made through the clinic's own services.

Time is walked through from ten weeks ago: patients are admitted and enrolled on days of their own in whatever fits around
their lives, sessions are marked and finalized, and what is still to come is left as a clinic would find it this morning.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from django.db.models import Count, Q

from accounts.models import RoleAssignment, User
from accounts.permissions import Role
from attendance.domain import credit
from attendance.models import Attendance, AttendanceStatus
from demo import cast
from patients.models import Commitment, CommitmentKind, Episode, LevelOfCare, Patient
from patients.services import LevelValues, admit_patient, state_level
from scheduling.domain.interval import Interval
from scheduling.domain.occurrences import at_wall_clock
from scheduling.models import Booking, Meeting, Session, SessionStatus, Site, Track
from scheduling.services.enrolling import end_enrollment, enroll_patient, release_bookings
from scheduling.services.fitting import find_schedules
from scheduling.services.horizon import extend_horizon
from scheduling.services.refused import Refused

SEED = 20
WEEKS_BACK = 10
DOCTORS = ("Dr. Imani Cole, MD", "Dr. Piet Visser, DO", "Lena Hartmann, LCSW")
SOURCES = ("Emergency department", "Residential program", "Family doctor", "Court", "Self", "Employer")


@dataclass(frozen=True, slots=True)
class Clinic:
    """What the generator works with."""

    random: Random
    now: datetime
    by: User

    def today(self, site: Site) -> date:
        return self.now.astimezone(site.zone).date()

    def monday(self, site: Site) -> date:
        today = self.today(site)
        return today - timedelta(days=today.weekday())

    def morning(self, site: Site, day: date) -> datetime:
        """8:00 of the day, but never later than now."""
        return min(self.now, at_wall_clock(day, time(8), site.zone))


def generate(*, now: datetime) -> Iterator[str]:
    """Fills an imported demo clinic as of `now`; tells what it does, step by step."""
    coordinator = User.objects.get(email="coordinator@demo.example")
    clinic = Clinic(Random(SEED), now, coordinator)
    yield "People who sign in"
    give_passwords(clinic)
    for site in Site.objects.order_by("code"):
        yield f"{site}: the past {WEEKS_BACK} weeks"
        begin = clinic.monday(site) - timedelta(weeks=WEEKS_BACK)
        extend_horizon(site=site, today=clinic.today(site), now=now, first=begin)
        admit_and_enroll(clinic, site)
        extend_horizon(site=site, today=clinic.today(site), now=now)
        tell_this_week(clinic, site)
        yield f"{site}: attendance"
        record_attendance(clinic, site)


def give_passwords(clinic: Clinic) -> None:
    patient = Patient.objects.get(code=cast.THE_PATIENT)
    patient.user = User.objects.create_user(patient.email, name=str(patient))
    patient.save(update_fields=["user"])
    for sign_in in cast.SIGN_INS:
        user = User.objects.get(email=sign_in.email)
        user.set_password(sign_in.password)
        user.save(update_fields=["password"])
    assert RoleAssignment.objects.filter(role=Role.ADMINISTRATOR, site=None).exists()


def admit_and_enroll(clinic: Clinic, site: Site) -> None:
    """Each patient on a day of their own; the last ones so lately that no track has been chosen yet."""
    for number, patient in enumerate(Patient.objects.filter(site=site).order_by("code")):
        if patient.code == cast.STEPPING_DOWN:
            _step_down(clinic, patient)
            continue
        lately = number % 9 == 8 or patient.code in {cast.NOTHING_FITS, cast.WAITING}
        settled = patient.code in {cast.THE_PATIENT, cast.OUT_OF_REACH, cast.AT_RISK, *cast.IN_THE_SMALL_GROUP}
        weeks = 1 if lately else clinic.random.randrange(6, 10) if settled else clinic.random.randrange(2, 10)
        starts = (
            clinic.monday(site) - timedelta(weeks=weeks) + timedelta(days=0 if settled else clinic.random.randrange(4))
        )
        higher = not settled and not lately and clinic.random.random() < 0.12
        minutes, days = (
            (1200, 5) if higher else clinic.random.choice([(540, 3), (540, 3), (540, 3), (600, 3), (660, 4)])
        )
        if settled or lately:
            minutes, days = 540, 3
        episode = _admit(
            clinic, patient, starts, LevelOfCare.HIGHER if higher else LevelOfCare.INTENSIVE, minutes, days
        )
        if not lately:
            in_the_morning = patient.code in {cast.THE_PATIENT, cast.OUT_OF_REACH, cast.AT_RISK}
            _enroll_in_what_fits(clinic, episode, starts, "N-AM" if in_the_morning else "")


def _admit(clinic: Clinic, patient: Patient, starts: date, level: LevelOfCare, minutes: int, days: int) -> Episode:
    return admit_patient(
        patient=patient,
        values=LevelValues(
            level=level,
            prescribed_minutes=minutes,
            prescribed_days=days,
            starts=starts,
            stated_by=clinic.random.choice(DOCTORS),
        ),
        referral_source=clinic.random.choice(SOURCES),
        by=clinic.by,
        now=clinic.morning(patient.site, starts),
    )


def _enroll_in_what_fits(clinic: Clinic, episode: Episode, starts: date, wanted: str = "") -> None:
    """Enrolls in the best schedule that fits, or in the track with the wanted code; in none when nothing does."""
    found = [fit for fit in find_schedules(episode=episode, from_day=starts) if fit.fits]
    codes = dict(Track.objects.filter(site=episode.site).values_list("pk", "code"))
    if episode.patient.code not in cast.IN_THE_SMALL_GROUP:
        found = [fit for fit in found if codes[int(fit.offer.key)] != "S-SML"]
    if wanted:
        found = [fit for fit in found if codes[int(fit.offer.key)] == wanted]
    if len(found) > 1 and not wanted:
        clinic.random.shuffle(found)
    for fit in found:
        chosen = fit.enough if fit.enough and clinic.random.random() < 0.3 else fit.choice
        meetings = list(Meeting.objects.filter(pk__in=[int(meeting.key) for meeting in chosen]))
        try:
            enroll_patient(
                episode=episode,
                track=Track.objects.get(pk=fit.offer.key),
                meetings=meetings,
                starts=fit.starts,
                by=clinic.by,
                now=clinic.morning(episode.site, starts),
            )
        except Refused:
            continue
        return


def _step_down(clinic: Clinic, patient: Patient) -> None:
    """From residential care: four weeks of the day program, then the morning track."""
    site, now = patient.site, clinic.now
    starts = clinic.monday(site) - timedelta(weeks=6)
    later = starts + timedelta(weeks=4)
    episode = _admit(clinic, patient, starts, LevelOfCare.HIGHER, 1500, 5)
    _enroll_in_what_fits(clinic, episode, starts, "N-DAY")
    for enrollment in episode.enrollments.all():
        end_enrollment(
            enrollment=enrollment, last_day=later - timedelta(days=1), by=clinic.by, now=clinic.morning(site, later)
        )
    state_level(
        episode=episode,
        values=LevelValues(
            level=LevelOfCare.INTENSIVE, prescribed_minutes=540, prescribed_days=3, starts=later, stated_by=DOCTORS[0]
        ),
        by=clinic.by,
        now=min(now, clinic.morning(site, later)),
    )
    _enroll_in_what_fits(clinic, Episode.objects.get(pk=episode.pk), later, "N-AM")


def tell_this_week(clinic: Clinic, site: Site) -> None:
    """One patient is in hospital all week: nothing of it can be saved."""
    for patient in Patient.objects.filter(site=site, code=cast.OUT_OF_REACH):
        monday = clinic.monday(site)
        for offset in range(7):
            Commitment.objects.create(
                patient=patient,
                code=f"H{offset}",
                kind=CommitmentKind.MEDICAL,
                label="In hospital",
                on=monday + timedelta(days=offset),
                starts=time(0, 5),
                ends=time(23, 55),
            )
        later = Booking.objects.of_patient(patient.pk).in_week(monday).filter(starts__gt=clinic.now)
        release_bookings(bookings=later, reason="In hospital", now=clinic.now)


def record_attendance(clinic: Clinic, site: Site) -> None:
    """Marks every session that is over, and finalizes all but those of today and a few that wait for it."""
    over = Session.objects.filter(site=site, ends__lte=clinic.now, status=SessionStatus.SCHEDULED)
    today = clinic.today(site)
    held = list(
        over.prefetch_related("session_facilitators__user").annotate(people=Count("bookings")).filter(people__gt=0)
    )
    marks, finalized = [], []
    bookings = Booking.objects.standing().filter(session__in=held).select_related("session", "episode__patient")
    by_session: dict[int, list[Booking]] = {}
    for booking in bookings.order_by("starts", "pk"):
        by_session.setdefault(booking.session_id, []).append(booking)
    for session in held:
        lead = session.session_facilitators.all()[0].user
        waits = session.on == today or (session.on >= today - timedelta(days=2) and clinic.random.random() < 0.2)
        for booking in by_session.get(session.pk, []):
            if waits and clinic.random.random() < 0.5:
                continue
            marks.append(_mark(clinic, booking, session, lead))
        if not waits:
            session.status, session.finalized_at, session.finalized_by = SessionStatus.HELD, session.ends, lead
            session.finalized_credential = lead.signature
            finalized.append(session)
    Attendance.objects.bulk_create(marks, batch_size=500)
    Session.objects.bulk_update(
        finalized, ["status", "finalized_at", "finalized_by", "finalized_credential"], batch_size=200
    )
    Session.objects.filter(Q(pk__in=[session.pk for session in finalized])).update(version=2)


def _mark(clinic: Clinic, booking: Booking, session: Session, lead: User) -> Attendance:
    """What happened: mostly they came; some came late or left early, some had a reason, some did not come."""
    code, monday = booking.episode.patient.code, clinic.monday(session.site)
    status = clinic.random.choices(
        [
            AttendanceStatus.PRESENT,
            AttendanceStatus.PARTIAL,
            AttendanceStatus.EXCUSED,
            AttendanceStatus.UNEXCUSED,
            AttendanceStatus.NO_SHOW,
        ],
        [91, 3, 3, 2, 1],
    )[0]
    if session.on >= monday:
        status = AttendanceStatus.PRESENT if code == cast.THE_PATIENT else status
        status = AttendanceStatus.EXCUSED if code in {cast.OUT_OF_REACH, cast.AT_RISK} else status
    arrived = left = None
    if status == AttendanceStatus.PARTIAL:
        minutes = timedelta(minutes=clinic.random.choice([10, 15, 20, 35, 50]))
        if clinic.random.random() < 0.7:
            arrived = session.starts + minutes
        else:
            left = session.ends - minutes
    pause = None
    if session.break_starts and session.break_ends:
        pause = Interval(session.break_starts, session.break_ends)
    credited = credit.credited_minutes(
        status=credit.AttendanceStatus(status),
        session=Interval(session.starts, session.ends),
        pause=pause,
        arrived=arrived,
        left=left,
        countable=session.countable_minutes > 0,
    )
    return Attendance(
        booking=booking,
        status=credit.AttendanceStatus(status),
        arrived=arrived,
        left=left,
        credited_minutes=credited,
        reason="Called ahead" if status == AttendanceStatus.EXCUSED else "",
        recorded_by=lead,
        recorded_at=session.ends,
    )
