"""What a patient's chart shows, as far as the person who looks may see it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch, Q, Subquery

from accounts.models import AuditEvent, User
from accounts.permissions import Permission
from attendance.services.ledgers import LedgerRow, recent_weeks
from patients.models import (
    CalendarState,
    Commitment,
    CommitmentProposal,
    Episode,
    ImportedCalendar,
    LevelOfCareSpan,
    Patient,
    ProposalState,
)
from patients.views.record.patient_list import current_episode, current_span
from scheduling.domain.hours.rules import HoursRules, WeeklyTotals, add_up
from scheduling.domain.search.conflicts import Conflict
from scheduling.domain.search.need import Need
from scheduling.domain.search.remarks import WouldMove, move_remarks
from scheduling.models import (
    Booking,
    Enrollment,
    EnrollmentMeeting,
    LeaveOfAbsence,
    MeetingFacilitator,
    ReleaseCause,
    SessionStatus,
    Track,
    WaitingEntry,
)
from scheduling.services.availability.conflicts import BookingConflict
from scheduling.services.availability.imported_calendars import calendar_times
from scheduling.services.availability.proposals import PendingProposal, pending_proposals
from scheduling.services.rulebook import RuleBook
from scheduling.views.week_pictures import picture_of_week
from scheduling.week_picture import WeekPicture
from timekeeping.weeks import BusyTime, minute_of, week_start

NEXT_DATE_HORIZON = timedelta(weeks=9)
"""As long as the longest round, and a week."""
SHOWN_EVENTS = 8
RECENT_CHANGES_PERIOD = timedelta(days=14)
"""How long the chart says what a patient changed by themselves."""


@dataclass(frozen=True, slots=True)
class ListedCommitment:
    """A commitment and the next day on which it happens, if there is one soon."""

    commitment: Commitment
    next_on: date | None


@dataclass(frozen=True, slots=True)
class ListedEnrollment:
    """An enrollment and the meetings attended in it, in the order of the week."""

    enrollment: Enrollment
    places: Sequence[EnrollmentMeeting]
    last_day: date | None

    @property
    def one_to_ones(self) -> list[EnrollmentMeeting]:
        return [place for place in self.places if place.meeting.kept_for_id is not None]

    @property
    def minutes_to_arrange(self) -> int:
        """How much of the track's individual time has no hours in the end."""
        lasting = [place.meeting for place in self.one_to_ones if place.ends == self.enrollment.ends]
        arranged = sum(minute_of(meeting.ends) - minute_of(meeting.starts) for meeting in lasting)
        return max(0, self.enrollment.track.individual_minutes - arranged)


@dataclass(frozen=True, slots=True)
class Chart:
    today: date
    picture: WeekPicture
    episode: Episode | None
    span: LevelOfCareSpan | None
    past: Sequence[Episode]
    placed: Sequence[ListedEnrollment]
    leaves: Sequence[LeaveOfAbsence]
    waits: Sequence[WaitingEntry]
    scheduled: WeeklyTotals
    rules: HoursRules
    sees_life: bool
    commitments: Sequence[ListedCommitment]
    calendars: Sequence[ImportedCalendar]
    asked: Sequence[PendingProposal]
    told: Sequence[CommitmentProposal]
    clashes: Sequence[BookingConflict]
    gives: Sequence[WouldMove]
    given_back: Sequence[Booking]
    weeks: Sequence[LedgerRow]
    may_manage: bool
    may_move: bool
    sees_trail: bool
    trail: Sequence[AuditEvent]


def build_chart(patient: Patient, user: User, now: datetime) -> Chart:
    """Reads the chart in a fixed number of queries."""
    site, today = patient.site, now.astimezone(patient.site.zone).date()
    week = week_start(today)
    episodes = list(patient.episodes.select_related("site", "patient").prefetch_related("spans"))
    episode = current_episode(episodes, today)
    span = current_span(episode, today)
    book = RuleBook.of(site)
    rules = book.on(today, span.level if span else "")
    placed = _list_enrollments(episode, today)
    sees_life = user.may(Permission.SEE_COMMITMENTS, site.pk)
    has_calendars = vars(patient).get("has_calendars", True)
    in_force = patient.commitments.in_force_from(today - timedelta(days=1)).with_travel()
    commitments = list(in_force) if sees_life else []
    proposals = list(_proposals(patient, now)) if sees_life and vars(patient).get("has_asked", True) else []
    calendars = list(_calendars(patient, user, now)) if sees_life and has_calendars else []
    kept = [each for each in calendars if each.state == CalendarState.KEPT]
    imported = [busy for _, times in calendar_times(kept, site.zone, week) for busy in times.on_dates(site.zone)]
    life = [*(each.as_busy_time(site=site) for each in commitments), *imported]
    asked, clashes = pending_proposals(
        patient=patient,
        proposals=[each for each in proposals if each.state == ProposalState.WAITING],
        life=life,
        now=now,
    )
    giving = _commitments_giving_way(placed, life, today)
    has_hours = episode is not None and user.may(Permission.SEE_HOURS, site.pk)
    is_untold = has_hours and not sees_life and not has_calendars  # it counts for the weeks alone, and is shown nowhere
    untold = [each.as_busy_time(site=site) for each in in_force] if is_untold else None
    bookings = (
        Booking.objects.active()
        .of_patient(patient.pk)
        .filter(session__on__gte=week, session__on__lt=week + timedelta(weeks=1))
        .select_related("session")
    )
    sees_trail = user.may(Permission.SEE_TRAIL, site.pk)
    return Chart(
        today=today,
        picture=picture_of_week(site=site, week=week, bookings=bookings, commitments=commitments, busy=imported),
        episode=episode,
        span=span,
        past=[each for each in episodes if each is not episode],
        placed=placed,
        leaves=list(episode.leaves.open_on_or_after(today)) if episode else (),
        waits=list(episode.waiting_entries.open().select_related("track")) if episode else (),
        scheduled=_weekly_totals(placed, rules),
        rules=rules,
        sees_life=sees_life,
        commitments=[_list_commitment(each, today) for each in commitments],
        calendars=calendars,
        asked=asked,
        told=[each for each in proposals if each.state == ProposalState.KEPT],
        clashes=[each for each in clashes if not _is_agreed_clash(each, giving)],
        gives=move_remarks(give for gives in giving.values() for give in gives),
        given_back=_released_bookings(placed, now),
        weeks=_weeks(episode, book, life if sees_life else untold, now) if episode and has_hours else (),
        may_manage=user.may(Permission.MANAGE_PATIENTS, site.pk),
        may_move=len(user.sites_where(Permission.MANAGE_PATIENTS)) > 1,
        sees_trail=sees_trail,
        trail=list(AuditEvent.objects.visible_to(user).about_patient(patient.pk)[:SHOWN_EVENTS]) if sees_trail else (),
    )


def _proposals(patient: Patient, now: datetime) -> Iterable[CommitmentProposal]:
    """Those that wait, and what the patient changed by themselves lately."""
    lately = Q(state=ProposalState.KEPT, proposed_at__gt=now - RECENT_CHANGES_PERIOD)
    return patient.proposals.filter(lately | Q(state=ProposalState.WAITING)).select_related("commitment__place")


def _calendars(patient: Patient, user: User, now: datetime) -> Iterable[ImportedCalendar]:
    """Those that are kept or wait, and what the person looks at themselves."""
    calendars = ImportedCalendar.objects.visible_to(user).not_expired(now).filter(patient=patient)
    return (
        calendars.exclude(state=CalendarState.DECLINED).select_related("uploaded_by").order_by("kind", "-state", "pk")
    )


def _weeks(episode: Episode, book: RuleBook, life: Sequence[BusyTime] | None, now: datetime) -> Sequence[LedgerRow]:
    """With the rules and the life that were read already, if they are those of the site of care."""
    if episode.site_id != episode.patient.site_id:
        return recent_weeks(episode=episode, now=now)
    return recent_weeks(episode=episode, now=now, book=book, busy=life)


def _list_enrollments(episode: Episode | None, today: date) -> list[ListedEnrollment]:
    """The enrollments that last or are to begin, with the meetings of each that do."""
    if episode is None:
        return []
    facilitators = Prefetch("meeting__meeting_facilitators", MeetingFacilitator.objects.select_related("user"))
    tracks = Track.objects.filter(meetings=OuterRef("meeting"))
    places = EnrollmentMeeting.objects.select_related("meeting__room", "meeting__service_type").annotate(
        is_own=Exists(tracks.filter(pk=OuterRef("enrollment__track"))),
        other_track=Subquery(tracks.order_by("name").values("name")[:1]),
    )
    enrollments = (
        Enrollment.objects.filter(episode=episode)
        .open_on_or_after(today)
        .select_related("track")
        .prefetch_related(Prefetch("enrollment_meetings", places.prefetch_related(facilitators)))
        .order_by("starts")
    )
    return [
        ListedEnrollment(
            each,
            sorted(
                (place for place in each.enrollment_meetings.all() if place.ends is None or place.ends > today),
                key=lambda place: (place.meeting.weekday, place.meeting.starts, place.pk),
            ),
            each.ends - timedelta(days=1) if each.ends else None,
        )
        for each in enrollments
    ]


def _commitments_giving_way(
    placed: Iterable[ListedEnrollment], busy: Sequence[BusyTime], today: date
) -> dict[int, tuple[Conflict, ...]]:
    """Under each meeting that is attended what has to give way for it, from today on."""
    life = Need(prescribed_minutes=0, prescribed_days=0, from_day=today, weeks=settings.HORIZON_WEEKS, busy=tuple(busy))
    meetings = {place.meeting_id: place.meeting.as_weekly_meeting() for each in placed for place in each.places}
    return {pk: life.conflicts_with(meeting).moves for pk, meeting in meetings.items()} if busy else {}


def _is_agreed_clash(clash: BookingConflict, giving: Mapping[int, Sequence[Conflict]]) -> bool:
    """Whether it was agreed to: what is in the way can give way for the session, which is held as usual."""
    session = clash.booking.session
    gives = giving.get(session.meeting_id or 0, ())
    return not session.is_changed and any(give.busy == clash.busy for give in gives)


def _released_bookings(placed: Iterable[ListedEnrollment], now: datetime) -> list[Booking]:
    """Sessions to come in which the patient will not be although they stand in the group."""
    places = [(place.enrollment_id, place.meeting_id) for each in placed for place in each.places]
    if not places:
        return []
    back = Booking.objects.from_instant(now).filter(
        release_cause=ReleaseCause.GIVEN_BACK, enrollment__in={enrollment for enrollment, _ in places}
    )
    found = back.exclude(session__status=SessionStatus.CANCELLED).select_related("session").order_by("starts")
    return [each for each in found if (each.enrollment_id, each.session.meeting_id) in places]


def _weekly_totals(placed: Sequence[ListedEnrollment], rules: HoursRules) -> WeeklyTotals:
    """What the enrollments come to in a week: their groups, and the individual time of their tracks, at whatever hours."""
    groups = [place.meeting for each in placed for place in each.places if place.meeting.kept_for_id is None]
    meetings = {meeting.pk: meeting.as_weekly_meeting() for meeting in groups}
    individual = sum(each.enrollment.track.individual_minutes for each in placed)
    return add_up(list(meetings.values()), rules, individual)


def _list_commitment(commitment: Commitment, today: date) -> ListedCommitment:
    dates = commitment.pattern.dates(today, today + NEXT_DATE_HORIZON)
    return ListedCommitment(commitment, next(dates, None))
