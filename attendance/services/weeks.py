"""Report on one patient's treatment week: the sessions, the missed sessions, and possible make-up sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from attendance.domain.ledger import Standing
from attendance.services.ledgers import LedgerRow, ledger_with_openings
from attendance.services.missed_sessions import makeup_candidates
from patients.models import Episode, Patient
from scheduling.models import Booking, Session, Site
from scheduling.services.rulebook import RuleBook
from timekeeping.intervals import Interval

DAY = timedelta(days=1)
STANDINGS_WITH_GAP = frozenset({Standing.AT_RISK, Standing.CANNOT_BE_MET, Standing.PARTIAL})
"""The report offers make-up sessions only for weeks with these standings, and only if minutes or days are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekReport:
    """One patient's treatment week, with everything that its page shows.

    `row` is None if no care was prescribed in the week. `makeup_sessions` are sessions that together close the gap to
    the prescription. `other_openings` are other sessions that the patient could attend. `missed` are the bookings that
    can be made up.
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
        """Last date of the week."""
        return self.week.end - DAY

    @property
    def day_before(self) -> date:
        """Last date of the previous week."""
        return self.week.start - DAY


def week_report(*, patient: Patient, day: date, now: datetime) -> WeekReport:
    """Return the report on the week that contains the day, for the patient's latest episode in that week."""
    episode, week = _latest_episode_in_week(patient, day)
    row, openings = ledger_with_openings(episode=episode, week=week, now=now) if episode else (None, [])
    if row is None or not _has_gap(row):
        openings = []
    bookings = (
        Booking.objects.active()
        .of_patient(patient.pk)
        .in_week(week.start)
        .select_related("session__room", "session__site", "attendance", "makes_up__session")
    )
    makeup_keys = row.ledger.makeup_openings if row else ()
    return WeekReport(
        patient=patient,
        site=episode.site_on(week.end - DAY) if episode else patient.site,
        week=week,
        row=row,
        bookings=list(bookings),
        makeup_sessions=[session for session in openings if session.pk in makeup_keys],
        other_openings=[session for session in openings if session.pk not in makeup_keys],
        missed=makeup_candidates(patient, week) if openings else (),
    )


def _has_gap(row: LedgerRow) -> bool:
    is_short = row.ledger.makeup_minutes > 0 or row.ledger.makeup_days > 0
    return is_short and row.ledger.standing in STANDINGS_WITH_GAP


def _latest_episode_in_week(patient: Patient, day: date) -> tuple[Episode | None, Interval[date]]:
    """Return the patient's latest episode in the treatment week that contains `day`, and that week.

    The rules of the episode's site decide when the week begins. If the patient had no episode in that week, the episode
    is None.
    """
    books = {patient.site_id: RuleBook.of(patient.site)}
    near = Episode.objects.filter(patient=patient).overlapping(day - timedelta(days=6), day + timedelta(days=7))
    for episode in near.select_related("site", "patient").prefetch_related("spans").order_by("-starts"):
        site = episode.site_on(day)
        week = (books.get(site.pk) or RuleBook.of(site)).week_around(day)
        if episode.starts < week.end and (episode.ends is None or episode.ends > week.start):
            return episode, week
    return None, books[patient.site_id].week_around(day)
