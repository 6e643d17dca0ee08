"""Enroll many patients of one site at once, as an import does. The rules are those of `enroll_patient`.

Almost all queries are shared by all patients.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from patients.models import Episode
from scheduling.domain.search.fit import AlreadyEnrolled
from scheduling.models import (
    Booking,
    Enrollment,
    EnrollmentMeeting,
    Meeting,
    Modality,
    ReleaseCause,
    Session,
    SessionStatus,
    Site,
    Track,
    WaitingEntry,
)
from scheduling.services.bookings.book import insert_bookings, missed_sessions, new_bookings, split_overlapping
from scheduling.services.bookings.horizon import horizon_end
from scheduling.services.bookings.placement import Placement
from scheduling.services.enrollment.checks import check_enrollment, reasons_against_sessions
from scheduling.services.enrollment.enroll import planned_enrollment_meetings
from scheduling.services.enrollment.mixed_tracks import CrossTrackOptions, cross_track_options
from scheduling.services.enrollment.waitlist import close_entries
from scheduling.services.locks import lock_meetings, lock_sessions, lock_site
from scheduling.services.search.need import PatientAvailability
from timekeeping.reasons import EpisodeEnded, Reason, Refused

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedEnrollment:
    """An enrollment to write, on the dates [starts, ends).

    `meetings` are all meetings that the patient attends during this time. If a meeting is continued by another one, both
    are in the list. The episode is loaded with its site, its patient and prefetched spans. The track is loaded as for
    `check_enrollment`.
    """

    episode: Episode
    track: Track
    meetings: Sequence[Meeting]
    starts: date
    ends: date | None = None
    modality: Modality = Modality.IN_PERSON
    end_reason: str = ""

    def is_over(self, today: date) -> bool:
        """Whether the last day has passed."""
        return self.ends is not None and self.ends <= today


Refusals = dict[PlannedEnrollment, tuple[Reason, ...]]


@transaction.atomic
def enroll_many(
    *, site: Site, plans: Sequence[PlannedEnrollment], by: User | None, now: datetime
) -> tuple[list[Enrollment], Refusals]:
    """Write the enrollments that are possible. Return them, and the reasons against each of the others.

    An enrollment that is over is only recorded: it must lie within the episode of care and must not overlap another
    enrollment of the episode in the same track. Its patient is booked into no session. All other enrollments must comply
    with the rules of `enroll_patient`, from today or from their first day on, and are booked up to the horizon. If a
    patient has several of them, the earliest is written first. The caller writes the audit events of the enrollments.
    """
    lock_site(site.pk)
    lock_meetings({meeting.pk for plan in plans for meeting in plan.meetings})
    today = site.today_at(now)
    refused = _incoherent(plans)
    possible = [plan for plan in plans if plan not in refused]
    written = _write([(plan, _attended(plan)) for plan in possible if plan.is_over(today)])
    for round_ in _rounds(plan for plan in possible if not plan.is_over(today)):
        written += _enroll_round(site, round_, refused, by, now)
    return written, refused


def _incoherent(plans: Sequence[PlannedEnrollment]) -> Refusals:
    """Return the reasons that do not depend on the timetable: outside of the episode, or twice in the same track."""
    known: dict[tuple[int, int], list[tuple[date, date | None]]] = defaultdict(list)
    rows = Enrollment.objects.filter(episode__in={plan.episode.pk for plan in plans})
    for episode, track, starts, ends in rows.values_list("episode", "track", "starts", "ends"):
        known[episode, track].append((starts, ends))
    refused: Refusals = {}
    for plan in sorted(plans, key=lambda plan: plan.starts):
        reasons: list[Reason] = []
        others = known[plan.episode.pk, plan.track.pk]
        care_ends = plan.episode.ends
        if care_ends is not None and (plan.ends is None or plan.ends > care_ends):
            reasons.append(EpisodeEnded(care_ends - DAY))
        reasons += (
            AlreadyEnrolled(plan.track.name, starts)
            for starts, ends in others
            if (ends is None or plan.starts < ends) and (plan.ends is None or starts < plan.ends)
        )
        if reasons:
            refused[plan] = tuple(dict.fromkeys(reasons))
        else:
            others.append((plan.starts, plan.ends))
    return refused


def _rounds(plans: Iterable[PlannedEnrollment]) -> list[list[PlannedEnrollment]]:
    """Split the plans into lists in which each patient occurs once, so that a later list sees the earlier ones."""
    rounds: list[list[PlannedEnrollment]] = []
    number: dict[int, int] = defaultdict(int)
    for plan in sorted(plans, key=lambda plan: plan.starts):
        if number[plan.episode.pk] == len(rounds):
            rounds.append([])
        rounds[number[plan.episode.pk]].append(plan)
        number[plan.episode.pk] += 1
    return rounds


def _attended(plan: PlannedEnrollment) -> list[EnrollmentMeeting]:
    """Return unsaved rows for the meetings of a planned enrollment, without the enrollment itself."""
    rows = planned_enrollment_meetings(Enrollment(), plan.starts, plan.meetings)
    for row in rows:
        row.ends = min((day for day in (row.ends, plan.ends) if day is not None), default=None)
    return rows


def _write(attended: Sequence[tuple[PlannedEnrollment, list[EnrollmentMeeting]]]) -> list[Enrollment]:
    """Save the enrollments with their meetings, in the given order."""
    enrollments = Enrollment.objects.bulk_create(
        [
            Enrollment(
                episode=plan.episode,
                track=plan.track,
                starts=plan.starts,
                ends=plan.ends,
                modality=plan.modality,
                end_reason=plan.end_reason,
            )
            for plan, _rows in attended
        ],
        batch_size=500,
    )
    for enrollment, (_plan, rows) in zip(enrollments, attended, strict=True):
        for row in rows:
            row.enrollment = enrollment
    EnrollmentMeeting.objects.bulk_create([row for _plan, rows in attended for row in rows], batch_size=500)
    return enrollments


class _Timetable:
    """The sessions at a site that have not begun. Enrollments that are not written yet take spots in them, too."""

    def __init__(self, site: Site, now: datetime) -> None:
        today = site.today_at(now)
        sessions = Session.objects.filter(
            site=site, status=SessionStatus.SCHEDULED, meeting__isnull=False, starts__gte=now
        )
        self._by_meeting: dict[int, list[Session]] = defaultdict(list)
        self._full: dict[int, dict[date, int]] = defaultdict(dict)
        for session in lock_sessions(sessions.between(today, horizon_end(today))):
            self._by_meeting[session.meeting_id or 0].append(session)
            self._note_if_full(session)

    def full_dates(self, meetings: Iterable[Meeting], apart_from: set[int]) -> dict[int, tuple[date, ...]]:
        """Return the same map as the function `full_dates`, for these meetings.

        Sessions with an id in `apart_from` never count as full.
        """
        return {
            meeting.pk: tuple(sorted(on for on, session in dates.items() if session not in apart_from))
            for meeting in meetings
            if (dates := self._full.get(meeting.pk))
        }

    def sessions_of(self, placement: Placement, meeting: int, apart_from: set[int]) -> list[Session]:
        """Return the sessions of the meeting that the placement covers."""
        return [
            session
            for session in self._by_meeting.get(meeting, ())
            if session.pk not in apart_from and placement.covers(session)
        ]

    def take(self, session: Session) -> None:
        """Take one spot in the session."""
        session.booked += 1
        self._note_if_full(session)

    def _note_if_full(self, session: Session) -> None:
        if session.booked >= session.places:
            self._full[session.meeting_id or 0][session.on] = session.pk


@dataclass(slots=True)
class _Accepted:
    """An enrollment that may be written, with its sessions."""

    plan: PlannedEnrollment
    rows: list[EnrollmentMeeting]
    attended: list[Session]
    missed: list[Session]
    overlapping: list[Session]


def _enroll_round(
    site: Site, plans: Sequence[PlannedEnrollment], refused: Refusals, by: User | None, now: datetime
) -> list[Enrollment]:
    """Check, write and book current enrollments of different patients. Add the reasons against them to `refused`."""
    today = site.today_at(now)
    episodes = [plan.episode for plan in plans]
    availability = PatientAvailability.of(site, episodes, today)
    timetable = _Timetable(site, now)
    booked, given_back = _bookings_of(episodes, now)
    options: dict[int, CrossTrackOptions] = {}
    accepted: list[_Accepted] = []
    for plan in plans:
        beside = options.get(plan.track.pk) or options.setdefault(plan.track.pk, cross_track_options(plan.track))
        day, settled = max(plan.starts, today), given_back[plan.episode.pk]
        preceding, chosen, following = _around(plan.meetings, day)
        try:
            need = availability.need(plan.episode, day)
        except Refused as refusal:
            refused[plan] = refusal.reasons
            continue
        reasons = check_enrollment(
            episode=plan.episode,
            track=plan.track,
            meetings=chosen,
            need=need,
            full=timetable.full_dates([*plan.meetings, *plan.track.meetings.all(), *beside.meetings], settled),
            goes_on=plan.starts < today,
            beside=beside,
            preceding=preceding,
            following=following,
        )
        rows = _attended(plan)
        covered = [
            session for row in rows for session in timetable.sessions_of(_placement(plan, row), row.meeting_id, settled)
        ]
        missed = missed_sessions(covered, [*preceding, *chosen, *following], need, site.zone)
        attended, overlapping = split_overlapping(session for session in covered if session not in missed)
        reasons += reasons_against_sessions(attended, booked[plan.episode.pk], known=reasons)
        if reasons:
            refused[plan] = tuple(dict.fromkeys(reasons))
            continue
        accepted.append(_Accepted(plan, rows, attended, missed, overlapping))
        for session in attended:
            timetable.take(session)
    return _write_and_book(site, accepted, availability, by, now)


def _write_and_book(
    site: Site, accepted: Sequence[_Accepted], availability: PatientAvailability, by: User | None, now: datetime
) -> list[Enrollment]:
    enrollments = _write([(each.plan, each.rows) for each in accepted])
    week_of = cache(availability.book.week_of)
    bookings = [
        booking
        for enrollment, each in zip(enrollments, accepted, strict=True)
        for booking in new_bookings(
            enrollment, each.attended, now, missed=each.missed, overlapping=each.overlapping, week_of=week_of
        )
    ]
    waiting = WaitingEntry.objects.open().filter(episode__in=[each.plan.episode.pk for each in accepted])
    waits = set(waiting.values_list("episode", "track"))
    for enrollment in enrollments:
        if (enrollment.episode_id, enrollment.track_id) in waits:
            entries = WaitingEntry.objects.filter(episode=enrollment.episode_id, track=enrollment.track_id)
            close_entries(entries, enrollment=enrollment, by=by, now=now)
    insert_bookings(bookings, site=site, now=now)
    return enrollments


def _bookings_of(
    episodes: Sequence[Episode], now: datetime
) -> tuple[Mapping[int, list[Booking]], Mapping[int, set[int]]]:
    """Return the episodes' active bookings to come, and the ids of the sessions that the patients gave up."""
    booked: dict[int, list[Booking]] = defaultdict(list)
    given_back: dict[int, set[int]] = defaultdict(set)
    rows = Booking.objects.filter(episode__in=[episode.pk for episode in episodes], ends__gt=now)
    for booking in rows.filter(Q(released_at=None) | Q(release_cause=ReleaseCause.GIVEN_BACK)).select_related(
        "session"
    ):
        if booking.released_at is None:
            booked[booking.episode_id].append(booking)
        else:
            given_back[booking.episode_id].add(booking.session_id)
    return booked, given_back


def _around(meetings: Sequence[Meeting], day: date) -> tuple[list[Meeting], list[Meeting], list[Meeting]]:
    """Return the meetings to check from the day on: earlier ones, those that are chosen on the day, and later ones.

    Of the meetings with one code, the first one that lasts through the week from the day on is the chosen one. Meetings
    that have ended by the day are left out.
    """
    preceding: list[Meeting] = []
    chosen: list[Meeting] = []
    following: list[Meeting] = []
    by_code: dict[str, list[Meeting]] = defaultdict(list)
    for meeting in sorted(meetings, key=lambda each: each.runs_from):
        if meeting.runs_until is None or meeting.runs_until > day:
            by_code[meeting.code].append(meeting)
    for of_code in by_code.values():
        lasting = [each for each in of_code if each.runs_until is None or each.runs_until >= day + WEEK]
        held = lasting[0] if lasting else of_code[-1]
        chosen.append(held)
        preceding += (each for each in of_code if each.runs_from < held.runs_from)
        following += (each for each in of_code if each.runs_from > held.runs_from)
    return preceding, chosen, following


def _placement(plan: PlannedEnrollment, row: EnrollmentMeeting) -> Placement:
    return Placement(
        episode=plan.episode.pk,
        enrollment=0,
        starts=row.starts,
        ends=row.ends,
        enrolled_from=plan.starts,
        enrolled_until=plan.ends,
        care_ends=plan.episode.ends,
    )
