"""Build a patient's chart, limited to what the user may see."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings

from accounts.models import AuditEvent, User
from accounts.permissions import Permission
from patients.models import (
    CalendarState,
    Commitment,
    CommitmentProposal,
    Episode,
    ImportedCalendar,
    LevelOfCareSpan,
    Patient,
    PatientMerge,
    ProposalState,
)
from patients.views.record.chart_enrollments import (
    ListedEnrollment,
    default_day,
    is_whole_week,
    list_enrollments,
    read_enrollments,
    weekly_totals,
)
from patients.views.record.chart_history import read_corrections, read_merges, read_trail
from patients.views.record.chart_weeks import RecentWeek, list_recent_weeks
from patients.views.record.patient_list import current_episode, current_span
from scheduling.domain.hours.rules import HoursRules, WeeklyTotals
from scheduling.domain.search.conflicts import Conflict
from scheduling.domain.search.need import Need
from scheduling.domain.search.remarks import WouldMove, move_remarks
from scheduling.models import (
    Booking,
    LeaveOfAbsence,
    ReleaseCause,
    SessionStatus,
    WaitingEntry,
)
from scheduling.services.availability.booking_conflicts import BookingConflict
from scheduling.services.availability.imported_calendars import calendar_times
from scheduling.services.availability.proposals import PendingProposal, pending_proposals
from scheduling.services.rulebook import RuleBook
from scheduling.views.week_pictures import picture_of_week
from scheduling.week_picture import KINDS, WeekPicture
from timekeeping.busy_times import BusyTime
from timekeeping.weeks import week_start

NEXT_DATE_HORIZON = timedelta(weeks=9)
"""How far ahead to look for a commitment's next date: one week more than the longest rotation."""


@dataclass(frozen=True, slots=True)
class ListedCommitment:
    """A commitment, and its next date if there is a date within `NEXT_DATE_HORIZON`."""

    commitment: Commitment
    next_on: date | None


@dataclass(frozen=True, slots=True)
class AvailabilityRecord:
    """The commitments, calendars, proposals and busy times on a chart. Empty if the user may not see commitments.

    `in_picture` are the commitments of the shown week. `imported` are the busy times from saved calendars. `busy` has
    all busy times from saved calendars and from commitments in force.
    """

    commitments: Sequence[Commitment] = ()
    in_picture: Sequence[Commitment] = ()
    calendars: Sequence[ImportedCalendar] = ()
    proposals: Sequence[CommitmentProposal] = ()
    imported: Sequence[BusyTime] = ()
    busy: Sequence[BusyTime] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    today: date
    week: date
    picture: WeekPicture
    episode: Episode | None
    span: LevelOfCareSpan | None
    past_episodes: Sequence[Episode]
    enrollments: Sequence[ListedEnrollment]
    leaves: Sequence[LeaveOfAbsence]
    waitlist_entries: Sequence[WaitingEntry]
    scheduled: WeeklyTotals
    is_whole_week: bool
    rules: HoursRules
    sees_commitments: bool
    commitments: Sequence[ListedCommitment]
    calendars: Sequence[ImportedCalendar]
    pending_proposals: Sequence[PendingProposal]
    recent_changes: Sequence[CommitmentProposal]
    conflicts: Sequence[BookingConflict]
    moves: Sequence[WouldMove]
    released: Sequence[Booking]
    weeks: Sequence[RecentWeek]
    merges: Sequence[PatientMerge]
    """The merges of the patient's record, with those that were taken back, newest first."""
    may_manage: bool
    corrections: Sequence[AuditEvent]
    may_move: bool
    sees_trail: bool
    trail: Sequence[AuditEvent]

    @property
    def last_day(self) -> date:
        """The last day of the shown week."""
        return self.week + timedelta(days=6)

    @property
    def attendance_kinds(self) -> list[str]:
        """The kinds of sessions to list in the legend of the small pictures of recent weeks."""
        found = {kind for each in self.weeks for kind in each.picture.kinds}
        return [kind for kind in KINDS if kind in found]

    @property
    def last_merge(self) -> PatientMerge | None:
        """The newest merge that was not taken back."""
        return next((each for each in self.merges if each.taken_back_at is None), None)

    @property
    def is_this_week(self) -> bool:
        return self.week <= self.today <= self.last_day

    @property
    def is_less_than_prescribed(self) -> bool:
        """Whether the shown week has less treatment than prescribed.

        False if the patient is enrolled for only part of the week.
        """
        return (
            self.is_whole_week
            and self.span is not None
            and (
                self.scheduled.minutes < self.span.prescribed_minutes or self.scheduled.days < self.span.prescribed_days
            )
        )

    @property
    def previous_week(self) -> str:
        """The value of `?week=` that selects the week before the shown week."""
        return (self.week - timedelta(weeks=1)).isoformat()

    @property
    def next_week(self) -> str:
        """The value of `?week=` that selects the week after the shown week."""
        return (self.week + timedelta(weeks=1)).isoformat()


def build_chart(patient: Patient, user: User, now: datetime, day: date | None = None) -> Chart:
    """Build the chart from everything that the user may see, in a fixed number of queries.

    The picture and the weekly hours are for the week that contains `day`. If `day` is None, the week is this week or, if
    treatment begins later, the first week of treatment.

    To save queries, the caller can annotate the patient with `has_calendars`, `has_proposals`, `has_corrections`,
    `has_merges`, `has_leaves` and `has_waitlist_entries`. Such rows are then queried only if the patient has any.
    """
    site, today = patient.site, patient.site.today_at(now)
    episodes = list(patient.episodes.select_related("site", "patient").prefetch_related("spans"))
    episode = current_episode(episodes, today)
    found = read_enrollments(episode, min(today, week_start(day or today)))
    week = week_start(day or default_day(found, today))
    shown_day = today if week == week_start(today) else week
    span = current_span(episode, shown_day)
    book = RuleBook.of(site)
    rules = book.on(shown_day, span.level if span else "")
    enrollments = [each for each in list_enrollments(found, today, today) if not each.is_over]
    record = _read_availability(patient, user, now, week)
    pending, conflicts = pending_proposals(patient=patient, proposals=record.proposals, busy=record.busy, now=now)
    moves = _moves_by_meeting(enrollments, record.busy, today)
    sees_trail = user.may(Permission.SEE_TRAIL, site.pk)
    merges = read_merges(patient, user)
    absorbed = [each.absorbed_id for each in merges if each.taken_back_at is None]
    return Chart(
        today=today,
        week=week,
        picture=_draw_week(patient, record, week),
        episode=episode,
        span=span,
        past_episodes=[each for each in episodes if each is not episode],
        enrollments=list_enrollments(found, min(today, week), today),
        leaves=_leaves(patient, episode, today),
        waitlist_entries=_waitlist_entries(patient, episode),
        scheduled=weekly_totals(found, week, rules),
        is_whole_week=is_whole_week(found, week),
        rules=rules,
        sees_commitments=user.may(Permission.SEE_COMMITMENTS, site.pk),
        commitments=[_list_commitment(each, today) for each in record.commitments],
        calendars=record.calendars,
        pending_proposals=pending,
        recent_changes=[each for each in record.proposals if each.state == ProposalState.KEPT],
        conflicts=[each for each in conflicts if not _is_agreed_conflict(each, moves)],
        moves=move_remarks(move for of_meeting in moves.values() for move in of_meeting),
        released=_released_bookings(enrollments, now),
        weeks=_list_weeks(patient, episode, user, record, book, now),
        merges=merges,
        may_manage=user.may(Permission.MANAGE_PATIENTS, site.pk),
        corrections=read_corrections(patient, absorbed),
        may_move=len(user.sites_where(Permission.MANAGE_PATIENTS)) > 1,
        sees_trail=sees_trail,
        trail=read_trail(patient, absorbed, user) if sees_trail else (),
    )


def _leaves(patient: Patient, episode: Episode | None, today: date) -> Sequence[LeaveOfAbsence]:
    if episode is None or not vars(patient).get("has_leaves", True):
        return ()
    return list(episode.leaves.open_on_or_after(today))


def _waitlist_entries(patient: Patient, episode: Episode | None) -> Sequence[WaitingEntry]:
    if episode is None or not vars(patient).get("has_waitlist_entries", True):
        return ()
    return list(episode.waiting_entries.open().select_related("track"))


def _read_availability(patient: Patient, user: User, now: datetime, week: date) -> AvailabilityRecord:
    site = patient.site
    if not user.may(Permission.SEE_COMMITMENTS, site.pk):
        return AvailabilityRecord()
    today, known = site.today_at(now), vars(patient)
    in_picture = list(_commitments_in_force(patient, min(today, week)))
    commitments = [each for each in in_picture if each.is_in_force_from(today - timedelta(days=1))]
    calendars = list(_calendars(patient, user, now)) if known.get("has_calendars", True) else []
    proposals = list(_proposals(patient, now)) if known.get("has_proposals", True) else []
    saved = [each for each in calendars if each.state == CalendarState.KEPT]
    times = calendar_times(saved, site.zone, min(week, week_start(today)))
    imported = [busy for _, of_calendar in times for busy in of_calendar.on_dates(site.zone)]
    busy = [*(each.as_busy_time(site=site) for each in commitments), *imported]
    return AvailabilityRecord(commitments, in_picture, calendars, proposals, imported, busy)


def _commitments_in_force(patient: Patient, today: date) -> Iterable[Commitment]:
    """Return all commitments except those that ended before yesterday. Yesterday's night shift may last into today."""
    return patient.commitments.in_force_from(today - timedelta(days=1)).with_travel()


def _proposals(patient: Patient, now: datetime) -> Iterable[CommitmentProposal]:
    """Return proposals that wait for a decision, and the patient's recent changes that were saved without a decision."""
    return patient.proposals.shown_to_staff(now).select_related("commitment__place")


def _calendars(patient: Patient, user: User, now: datetime) -> Iterable[ImportedCalendar]:
    """Return the calendars that are saved or wait for a decision, and the user's own previews."""
    calendars = ImportedCalendar.objects.visible_to(user).open_at(now).filter(patient=patient)
    return calendars.select_related("uploaded_by").order_by("kind", "-state", "pk")


def _draw_week(patient: Patient, record: AvailabilityRecord, week: date) -> WeekPicture:
    bookings = (
        Booking.objects.active()
        .of_patient(patient.pk)
        .filter(session__on__gte=week, session__on__lt=week + timedelta(weeks=1))
        .select_related("session")
    )
    return picture_of_week(
        site=patient.site, week=week, bookings=bookings, commitments=record.in_picture, busy=record.imported
    )


def _list_weeks(
    patient: Patient,
    episode: Episode | None,
    user: User,
    record: AvailabilityRecord,
    book: RuleBook,
    now: datetime,
) -> Sequence[RecentWeek]:
    """List the episode's recent weeks, or none if the user may not see hours.

    The weeks take account of all the patient's busy times, even if the user may not see them. To save queries, rules
    and busy times that are already loaded are reused, unless the episode is at another site.
    """
    site = patient.site
    if episode is None or not user.may(Permission.SEE_HOURS, site.pk):
        return ()
    if episode.site_id != site.pk:
        return list_recent_weeks(episode=episode, now=now)
    busy: Sequence[BusyTime] | None = None
    if user.may(Permission.SEE_COMMITMENTS, site.pk):
        busy = record.busy
    elif not vars(patient).get("has_calendars", True):
        commitments = _commitments_in_force(patient, site.today_at(now))
        busy = [each.as_busy_time(site=site) for each in commitments]
    return list_recent_weeks(episode=episode, now=now, book=book, busy=busy)


def _moves_by_meeting(
    enrollments: Iterable[ListedEnrollment], busy: Sequence[BusyTime], today: date
) -> dict[int, tuple[Conflict, ...]]:
    """Map the id of each attended meeting to its conflicts with commitments that can move to make room for the meeting.

    Conflicts before today are left out.
    """
    if not busy:
        return {}
    need = Need(prescribed_minutes=0, prescribed_days=0, from_day=today, weeks=settings.HORIZON_WEEKS, busy=tuple(busy))
    meetings = {
        attended.meeting_id: attended.meeting.as_weekly_meeting() for each in enrollments for attended in each.meetings
    }
    return {pk: need.conflicts_with(meeting).moves for pk, meeting in meetings.items()}


def _is_agreed_conflict(conflict: BookingConflict, moves: Mapping[int, Sequence[Conflict]]) -> bool:
    """Whether the commitment can move to make room for the session. False if the session was changed by hand."""
    session = conflict.booking.session
    agreed = moves.get(session.meeting_id or 0, ())
    return not session.is_changed and any(move.busy == conflict.busy for move in agreed)


def _released_bookings(enrollments: Iterable[ListedEnrollment], now: datetime) -> list[Booking]:
    """Return the future bookings that the patient gave up, in meetings that the patient is still enrolled in."""
    attended = [(each.enrollment_id, each.meeting_id) for listed in enrollments for each in listed.meetings]
    if not attended:
        return []
    released = Booking.objects.from_instant(now).filter(
        release_cause=ReleaseCause.GIVEN_BACK, enrollment__in={enrollment for enrollment, _ in attended}
    )
    found = released.exclude(session__status=SessionStatus.CANCELLED).select_related("session").order_by("starts")
    return [each for each in found if (each.enrollment_id, each.session.meeting_id) in attended]


def _list_commitment(commitment: Commitment, today: date) -> ListedCommitment:
    dates = commitment.pattern.dates(today, today + NEXT_DATE_HORIZON)
    return ListedCommitment(commitment, next(dates, None))
