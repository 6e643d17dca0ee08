"""Weekly individual sessions of an enrollment: propose, check, add and end them.

Each weekly hour is a separate meeting that is reserved for the enrollment. Sessions, bookings, calendars and the nightly
job can therefore treat it like any other meeting.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from secrets import token_hex

from django.db.models import Q

from accounts.models import User
from patients.models import Episode
from scheduling.domain.individual.proposals import Counselor, IndividualProposals, OpenHours, WeeklyHour
from scheduling.domain.individual.search import check_choice, propose_individual_times
from scheduling.domain.search.need import Need
from scheduling.double_booking import FACILITATOR
from scheduling.models import (
    Booking,
    CounselorHours,
    Enrollment,
    EnrollmentMeeting,
    FacilitatorPart,
    Meeting,
    MeetingFacilitator,
    ServiceType,
    SessionFacilitator,
    Site,
)
from scheduling.models.meeting import MeetingQuerySet
from scheduling.services.bookings.horizon import horizon_end, write_sessions
from scheduling.services.bookings.meeting_changes import remove_individual_meeting
from scheduling.services.integrity import TakenConcurrently, translate_integrity_errors
from scheduling.services.rulebook import RuleBook
from timekeeping.busy_times import TREATMENT, BusyTime
from timekeeping.reasons import Reason, Refused
from timekeeping.weeks import OnDates, minute_of, wall_time

SERVICE_TYPE, NAME = "individual", "Individual session"
"""Service type code and name of all individual sessions. The name never reveals which patient a session is for."""
CANCEL_REASON = "Not arranged any more"
"""Reason shown for canceled individual sessions.

Everyone with calendar access sees the reason, so it must not reveal anything about the patient.
"""


def propose_individual_sessions(
    *,
    episode: Episode,
    minutes: int,
    meetings: Collection[int],
    need: Need,
    today: date,
    apart_from: Enrollment | None = None,
) -> IndividualProposals:
    """Propose weekly hours for individual sessions of `minutes` in total.

    The patient also attends the `meetings` (ids). The hours start on the need's first day, or today if that day has
    passed. If `minutes` is 0, there are no proposals and no query runs.

    The hours reserved for the enrollment `apart_from` are treated as free. `need` must not have these hours as busy
    times.
    """
    if not minutes:
        return IndividualProposals()
    need = _current_need(need, episode, today, apart_from)
    counselors = counselors_at(site=episode.site, need=need, apart_from=apart_from)
    return propose_individual_times(
        minutes, counselors, [each.as_weekly_meeting() for each in _with_successors(meetings)], need
    )


def check_individual_sessions(
    *,
    episode: Episode,
    minutes: int,
    hours: Sequence[WeeklyHour],
    meetings: Collection[int],
    need: Need,
    today: date,
    apart_from: Enrollment | None = None,
) -> tuple[Reason, ...]:
    """Return every reason against these weekly hours, by the same rules as for proposals.

    If there are no hours, there are no reasons. Locks the counselors until the transaction ends. The other parameters
    are those of `propose_individual_sessions`.
    """
    if not hours:
        return ()
    lock_counselors(hours)
    need = _current_need(need, episode, today, apart_from)
    counselors = counselors_at(site=episode.site, need=need, apart_from=apart_from)
    attended = [each.as_weekly_meeting() for each in _with_successors(meetings)]
    return tuple(dict.fromkeys(check_choice(minutes, hours, counselors, attended, need)))


def lock_counselors(hours: Iterable[WeeklyHour]) -> None:
    """Lock the counselors of these hours until the transaction ends, so that no other site books them."""
    ids = sorted({int(hour.counselor) for hour in hours})
    list(User.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))


def counselors_at(*, site: Site, need: Need, apart_from: Enrollment | None = None) -> tuple[Counselor, ...]:
    """Return the site's counselors with their hours and their busy times from the need's first day on.

    Runs three queries.
    """
    open_: dict[User, list[OpenHours]] = defaultdict(list)
    rows = CounselorHours.objects.filter(site=site, user__in=User.objects.clinicians_at(site.pk))
    for each in rows.open_on_or_after(need.from_day).select_related("user"):
        open_[each.user].append(each.as_open_hours())
    busy = _counselor_busy_times([user.pk for user in open_], site, need, apart_from) if open_ else {}
    return tuple(
        Counselor(key=user.pk, name=str(user), hours=tuple(hours), busy=tuple(busy.get(user.pk, ())))
        for user, hours in open_.items()
    )


def _counselor_busy_times(
    users: Collection[int], site: Site, need: Need, apart_from: Enrollment | None
) -> dict[int, list[BusyTime]]:
    """Map user id to the times of the weekly meetings and dated sessions that the user facilitates.

    Includes weekly meetings at sites in this site's time zone, and dated sessions at all sites.
    """
    found: dict[int, list[BusyTime]] = defaultdict(list)
    weekly = Meeting.objects.filter(site__time_zone=site.time_zone).held_from(need.from_day)
    sessions = SessionFacilitator.objects.filter(
        user__in=users, starts__isnull=False, session__on__gte=need.from_day, session__on__lt=need.until
    )
    if apart_from is not None:
        weekly = weekly.exclude(kept_for=apart_from)
        sessions = sessions.filter(Q(session__meeting=None) | _not_kept_for(apart_from))
    leads = MeetingFacilitator.objects.filter(user__in=users, meeting__in=weekly.order_by().values("pk"))
    for each in leads.select_related("meeting"):
        meeting = each.meeting
        busy = meeting.as_busy_time(label=meeting.name, valid_from=meeting.runs_from, valid_until=meeting.runs_until)
        found[each.user_id].append(busy)
    dated: dict[int, list[tuple[str, datetime, datetime]]] = defaultdict(list)
    for user, name, starts, ends in sessions.order_by().values_list("user", "session__name", "starts", "ends"):
        assert starts is not None
        assert ends is not None
        dated[user].append((name, starts, ends))
    for user, times in dated.items():
        found[user] += _dated_busy_times(times, site)
    return found


def _with_successors(meetings: Collection[int]) -> list[Meeting]:
    """Return the meetings with these ids, and all meetings that continue them, directly or through others."""
    rows = Meeting.objects.select_related("service_type").prefetch_related("meeting_facilitators")
    found = list(rows.filter(pk__in=meetings))
    latest = found
    while latest := list(rows.filter(continues__in=latest)):
        found += latest
    return found


def _current_need(need: Need, episode: Episode, today: date, apart_from: Enrollment | None) -> Need:
    """Return the need from today on or from its first day, whichever is later, with dated bookings as busy times."""
    first = max(need.from_day, today)
    sessions = Booking.objects.active().filter(
        episode=episode, session__on__gte=first, session__on__lt=first + (need.until - need.from_day)
    )
    if apart_from is not None:
        sessions = sessions.filter(Q(session__meeting=None) | _not_kept_for(apart_from))
    booked = sessions.order_by().values_list("session__name", "starts", "ends")
    return replace(need, from_day=first, busy=(*need.busy, *_dated_busy_times(booked, episode.site)))


def _not_kept_for(enrollment: Enrollment) -> Q:
    """Return a query filter that leaves out sessions of meetings that are reserved for the enrollment."""
    return Q(session__meeting__kept_for=None) | ~Q(session__meeting__kept_for=enrollment)


def _dated_busy_times(sessions: Iterable[tuple[str, datetime, datetime]], site: Site) -> Iterator[BusyTime]:
    """Convert dated sessions (name, start, end) to busy times in the site's local time, grouped by name and hours."""
    dated: dict[tuple[str, time, time], set[date]] = defaultdict(set)
    for name, starts, ends in sessions:
        local_starts, local_ends = starts.astimezone(site.zone), ends.astimezone(site.zone)
        dated[name, local_starts.time(), local_ends.time()].add(local_starts.date())
    for (name, starts_at, ends_at), days in dated.items():
        yield BusyTime(
            key=name,
            label=name,
            kind=TREATMENT,
            recurrence=OnDates(frozenset(days)),
            starts=starts_at,
            ends=ends_at,
        )


def individual_sessions_of(enrollment: Enrollment, day: date) -> tuple[WeeklyHour, ...]:
    """Return the enrollment's weekly individual hours in force on `day` or later, ordered by weekday and time."""
    return _weekly_hours(Meeting.objects.filter(kept_for=enrollment).open_on_or_after(day))


def lasting_individual_sessions(enrollment: Enrollment) -> tuple[WeeklyHour, ...]:
    """Return the enrollment's weekly individual hours that last as long as the enrollment, in the same order."""
    return _weekly_hours(Meeting.objects.filter(kept_for=enrollment, runs_until=enrollment.ends))


def _weekly_hours(meetings: MeetingQuerySet) -> tuple[WeeklyHour, ...]:
    return tuple(
        WeeklyHour(
            counselor=meeting.meeting_facilitators.all()[0].user_id,
            weekday=meeting.weekday,
            starts=minute_of(meeting.starts),
            ends=minute_of(meeting.ends),
        )
        for meeting in meetings.prefetch_related("meeting_facilitators").order_by("weekday", "starts", "pk")
    )


def needs_individual_sessions(enrollment: Enrollment) -> bool:
    """Whether the track includes individual sessions that have not been arranged for the enrollment yet."""
    return bool(enrollment.track.individual_minutes) and not enrollment.meetings.filter(kept_for=enrollment).exists()


def add_individual_sessions(
    *, enrollment: Enrollment, hours: Sequence[WeeklyHour], begins: date, now: datetime
) -> None:
    """Create meetings for the weekly hours from `begins` on, and their sessions up to the horizon.

    The hours must have passed the checks. The caller books the sessions. Raises Refused if another site has given a
    counselor another session in the meantime.
    """
    if not hours:
        return
    site, service_type = enrollment.episode.site, ServiceType.objects.get(code=SERVICE_TYPE)
    today = site.today_at(now)
    begins = max(begins, today)
    with translate_integrity_errors():
        meeting_ids = [_create_meeting(enrollment, hour, service_type, begins) for hour in hours]
        book = RuleBook.of(site)
        written = write_sessions(
            site=site, first=begins, until=horizon_end(today), book=book, now=now, since=now, only=meeting_ids
        )
    if written.unled:
        raise Refused([TakenConcurrently(FACILITATOR.name)])


def _create_meeting(enrollment: Enrollment, hour: WeeklyHour, service_type: ServiceType, begins: date) -> int:
    """Create the meeting for a weekly individual hour, and return its id."""
    meeting = Meeting.objects.create(
        site=enrollment.episode.site,
        code=f"one-to-one {token_hex(8)}",
        name=NAME,
        weekday=hour.weekday,
        starts=wall_time(hour.starts),
        ends=wall_time(hour.ends),
        service_type=service_type,
        modality=enrollment.modality,
        places=1,
        runs_from=begins,
        runs_until=enrollment.ends,
        kept_for=enrollment,
    )
    MeetingFacilitator.objects.create(meeting=meeting, user_id=int(hour.counselor), part=FacilitatorPart.LEADS)
    EnrollmentMeeting.objects.create(enrollment=enrollment, meeting=meeting, starts=begins, ends=enrollment.ends)
    return meeting.pk


def end_individual_sessions(*, enrollment: Enrollment, ends: date, now: datetime) -> None:
    """End the enrollment's weekly individual hours on `ends` (exclusive), and remove their later sessions.

    Sessions that have begun stay.
    """
    for meeting in Meeting.objects.filter(kept_for=enrollment).open_on_or_after(ends):
        remove_individual_meeting(meeting=meeting, ends=ends, reason=CANCEL_REASON, now=now)
