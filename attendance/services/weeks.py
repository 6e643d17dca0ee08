"""One patient's treatment week in full: its sessions, what was missed, and what can still save it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import F, Q

from attendance.domain.ledger import Standing
from attendance.services.ledgers import LedgerRow, ledger_with_openings
from patients.models import Episode, Patient
from scheduling.models import Booking, ReleaseCause, Session, SessionStatus, Site
from scheduling.models.booking import BookingQuerySet
from scheduling.services.rulebook import RuleBook
from timekeeping.intervals import Interval

MAKEUP_LOOKBACK = timedelta(weeks=4)
"""How long before the week a missed session may lie for a make-up in it; the product's own choice."""

STANDINGS_WITH_GAP = frozenset({Standing.AT_RISK, Standing.CANNOT_BE_MET, Standing.PARTIAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekReport:
    """One patient's treatment week with everything that its page shows.

    `row` is None when no care was prescribed in the week. The `makeup_sessions` together close the gap in the hours;
    `other_openings` are the other sessions that the patient could take.
    """

    patient: Patient
    site: Site
    week: Interval[date]
    row: LedgerRow | None
    bookings: Sequence[Booking]
    makeup_sessions: Sequence[Session]
    other_openings: Sequence[Session]
    missed: Sequence[Booking]

    @property
    def last_day(self) -> date:
        return self.week.end - timedelta(days=1)

    @property
    def day_before(self) -> date:
        return self.week.start - timedelta(days=1)


def week_report(*, patient: Patient, day: date, now: datetime) -> WeekReport:
    """The week around the day, of the patient's latest episode in it. Openings stand in it only while something is missing."""
    episode, week = _latest_episode_in_week(patient, day)
    row, openings = ledger_with_openings(episode=episode, week=week, now=now) if episode else (None, [])
    if (
        row is None
        or row.ledger.standing not in STANDINGS_WITH_GAP
        or not (row.ledger.makeup_minutes or row.ledger.makeup_days)
    ):
        openings = []
    bookings = (
        Booking.objects.active()
        .of_patient(patient.pk)
        .in_week(week.start)
        .select_related("session__room", "session__site", "attendance", "makes_up__session")
    )
    saving = row.ledger.makeup_openings if row else ()
    return WeekReport(
        patient=patient,
        site=episode.site_on(week.end - timedelta(days=1)) if episode else patient.site,
        week=week,
        row=row,
        bookings=list(bookings),
        makeup_sessions=[session for session in openings if session.pk in saving],
        other_openings=[session for session in openings if session.pk not in saving],
        missed=makeup_candidates(patient, week) if openings else (),
    )


def _latest_episode_in_week(patient: Patient, day: date) -> tuple[Episode | None, Interval[date]]:
    """The latest episode with a day in the week around `day`, as the rules of its site then cut the weeks."""
    books = {patient.site_id: RuleBook.of(patient.site)}
    near = Episode.objects.filter(patient=patient).overlapping(day - timedelta(days=6), day + timedelta(days=7))
    for episode in near.select_related("site", "patient").prefetch_related("spans").order_by("-starts"):
        site = episode.site_on(day)
        week = (books.get(site.pk) or RuleBook.of(site)).week_around(day)
        if episode.starts < week.end and (episode.ends is None or episode.ends > week.start):
            return episode, week
    return None, books[patient.site_id].week_around(day)


def makeup_candidates(patient: Patient, week: Interval[date]) -> list[Booking]:
    """What a session in the week can make up: the week's own missed ones, oldest first, then those of the weeks before."""
    missed = list(missed_bookings(patient, week).select_related("session__site", "attendance").order_by("starts"))
    return sorted(missed, key=lambda booking: booking.week != week.start)


def missed_bookings(patient: Patient, week: Interval[date]) -> BookingQuerySet:
    """Bookings up to the week that were not credited whole, were given back or whose session was cancelled, and that were not
    made up yet.
    """
    made_up = Booking.objects.active().filter(makes_up__episode__patient=patient).values("makes_up")
    return (
        Booking.objects.of_patient(patient.pk)
        .filter(week__gte=week.start - MAKEUP_LOOKBACK, week__lte=week.start, countable_minutes__gt=0)
        .filter(
            Q(released_at=None, attendance__credited_minutes__lt=F("countable_minutes"))
            | Q(released_at=None, session__status=SessionStatus.CANCELLED)
            | Q(release_cause__in=[ReleaseCause.CANCELLED, ReleaseCause.CLASH, ReleaseCause.GIVEN_BACK])
        )
        .exclude(pk__in=made_up)
    )
