"""Plan which meetings a patient attends at each level of care of an episode, as the patient steps down."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db.models import Q

from patients.models import Episode, LevelOfCareSpan
from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.fit import Fit, find_fits
from scheduling.domain.search.need import Need, Offer
from scheduling.domain.step_down import NOT_ENROLLED, EnrolledMeetings, Step, StepPlan, plan_steps
from scheduling.domain.suggestions.suggestions import Suggestion, find_suggestions
from scheduling.models import Enrollment, EnrollmentMeeting, Meeting, Session, Track
from scheduling.models.session import SessionQuerySet
from scheduling.services.search.need import NoEpisode, PatientAvailability
from scheduling.services.search.offers import as_offer, full_dates, own_sessions, published_tracks, settled_sessions
from timekeeping.reasons import Key, Refused

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)


@dataclass(frozen=True, kw_only=True)
class LevelPlan:
    """One level of care in the plan, and the schedule that is arranged or was found for it.

    `track_names` are the sorted names of the schedule's tracks. `enrollments_then` are the enrollments in force when
    the level starts. If there is no schedule, `fits` has each track with its obstacles, and `suggestions` are changes
    that would help.
    """

    span: LevelOfCareSpan
    stage: StepPlan
    track_names: tuple[str, ...]
    enrollments_then: tuple[Enrollment, ...]
    fits: tuple[Fit, ...]
    suggestions: tuple[Suggestion, ...]

    @property
    def starts(self) -> date:
        """The first day of the level in the plan."""
        return self.stage.step.starts

    @property
    def need(self) -> Need:
        """The patient's need at this level."""
        return self.stage.step.need

    @property
    def last_day(self) -> date | None:
        """The last day of the level, or None if the level has no end."""
        return self.span.ends - DAY if self.span.ends else None


def plan_step_down(*, episode: Episode, from_day: date, now: datetime) -> tuple[LevelPlan, ...]:
    """Return a plan for each level of care in force on `from_day` or later.

    From one level to the next, as little as possible changes. The number of queries does not depend on the number of
    levels. Reads prefetched spans and the patient. Raises Refused if the episode of care is over on `from_day`, or has
    no level of care from that day on.
    """
    spans = [span for span in episode.spans.all() if span.ends is None or span.ends > from_day]
    if not spans or (episode.ends is not None and episode.ends <= from_day):
        raise Refused([NoEpisode(from_day)])
    spans.sort(key=lambda span: span.starts)
    days = [max(from_day, span.starts) for span in spans]
    attended = AttendedMeetings.of(episode, days[0])
    availability = PatientAvailability.of(episode.site, [episode], days[0], apart_from=attended.enrollments)
    tracks = list(published_tracks(episode.site))
    full = full_dates(
        site=episode.site, from_day=days[0], now=now, apart_from=own_sessions_of(episode, attended.enrollments)
    )
    groups = _GroupHistory.of(tracks, attended.meetings)
    steps: list[Step] = []
    for span, day in zip(spans, days, strict=True):
        arranged = attended.arranged(day, span.ends, groups, is_first=not steps)
        offers = tuple(as_offer(track, day, full) for track in tracks)
        going_on = tuple(_with_eligibility(as_offer(track, day, full, goes_on=True), track) for track in tracks)
        offered = (each.meeting for offer in (*offers, *going_on) for each in offer.meetings)
        steps.append(
            Step(
                need=attended.beside_individual(availability.need(episode, day)),
                offers=offers,
                offers_if_enrolled=going_on,
                follows=groups.follows(offered),
                arranged=arranged,
            )
        )
    stages = plan_steps(steps, enrolled=steps[0].arranged)
    names = {track.pk: track.name for track in (*tracks, *(each.track for each in attended.enrollments))}
    return tuple(
        LevelPlan(
            span=span,
            stage=stage,
            track_names=tuple(sorted(names[int(key)] for key in stage.track_keys)),
            enrollments_then=attended.enrollments_on(stage.step.starts),
            fits=() if stage.meetings else find_fits(_open_offers(stage), stage.step.need),
            suggestions=() if stage.meetings else find_suggestions(_open_offers(stage), stage.step.need),
        )
        for span, stage in zip(spans, stages, strict=True)
    )


def _with_eligibility(offer: Offer, track: Track) -> Offer:
    """Return the offer with the track's level of care and age limits.

    `as_offer` leaves these limits out if a patient stays in the track. The plan has only tracks for the patient's level
    and age.
    """
    return replace(offer, level=track.level, from_age=track.from_age, to_age=track.to_age)


def _open_offers(stage: StepPlan) -> tuple[Offer, ...]:
    return stage.step.open_to(stage.tracks_before)


def own_sessions_of(episode: Episode, enrollments: Iterable[Enrollment]) -> SessionQuerySet:
    """Return the sessions for which the patient needs no free spot.

    There are three kinds: sessions that the patient gave up, sessions booked through one of the `enrollments`, and
    sessions of the enrollments' meetings.
    """
    known = Q(pk__in=settled_sessions(episode).order_by().values("pk"))
    for enrollment in enrollments:
        known |= Q(pk__in=own_sessions(enrollment).order_by().values("pk"))
    return Session.objects.filter(known)


@dataclass(frozen=True, slots=True)
class _GroupHistory:
    """Maps meeting id to the id of the first meeting of its group.

    A group is a meeting and all meetings that continue it.
    """

    first: Mapping[Key, Key]

    @classmethod
    def of(cls, tracks: Iterable[Track], attended: Iterable[Meeting]) -> "_GroupHistory":
        """Follow `continues` from each meeting to the first meeting of its group.

        The meetings are those of the tracks and those in `attended`.
        """
        meetings = [*attended, *(meeting for track in tracks for meeting in track.meetings.all())]
        before = {meeting.pk: meeting.continues_id for meeting in meetings}
        first: dict[Key, Key] = {}
        for meeting in before:
            earliest = meeting
            while (earlier := before.get(earliest)) is not None:
                earliest = earlier
            first[meeting] = earliest
        return cls(first)

    def groups_of(self, meetings: Iterable[Key]) -> set[Key]:
        """Return the groups of these meetings. A group is identified by the id of its first meeting."""
        return {self.first.get(each, each) for each in meetings}

    def follows(self, offered: Iterable[WeeklyMeeting]) -> dict[Key, WeeklyMeeting]:
        """If one of a group's meetings is offered, map the ids of the group's other meetings to the offered meeting."""
        then = {self.first.get(each.key, each.key): each for each in offered}
        return {key: then[first] for key, first in self.first.items() if first in then and then[first].key != key}


@dataclass(frozen=True, slots=True)
class AttendedMeetings:
    """The meetings that a patient attends on or after a given day, in order of their first days.

    `rows` are group meetings, and `individual_rows` are meetings reserved for the patient.
    """

    rows: Sequence[EnrollmentMeeting]
    individual_rows: Sequence[EnrollmentMeeting]

    @classmethod
    def of(cls, episode: Episode, day: date) -> "AttendedMeetings":
        """Read the meetings that the patient attends on `day` or later. Runs two queries."""
        rows = EnrollmentMeeting.objects.filter(Q(ends=None) | Q(ends__gt=day), enrollment__episode=episode)
        rows = rows.filter(Q(meeting__runs_until=None) | Q(meeting__runs_until__gt=day))
        rows = rows.select_related("meeting__service_type", "enrollment__track", "enrollment__episode")
        found = list(rows.prefetch_related("meeting__meeting_facilitators").order_by("starts", "pk"))
        return cls(
            [each for each in found if each.meeting.kept_for_id is None],
            [each for each in found if each.meeting.kept_for_id is not None],
        )

    def beside_individual(self, need: Need) -> Need:
        """Return the need with the individual sessions as busy times. These sessions stay when the groups change."""
        busy = (
            each.meeting.as_busy_time(label=each.meeting.name, valid_from=each.starts, valid_until=each.ends)
            for each in self.individual_rows
            if each.ends is None or each.ends > need.from_day
        )
        return replace(need, busy=(*need.busy, *busy))

    @property
    def enrollments(self) -> list[Enrollment]:
        """The distinct enrollments that the group meetings belong to."""
        return list({row.enrollment_id: row.enrollment for row in self.rows}.values())

    @property
    def meetings(self) -> list[Meeting]:
        """The group meetings that the patient attends."""
        return [row.meeting for row in self.rows]

    def enrollments_on(self, day: date) -> tuple[Enrollment, ...]:
        """Return the enrollments in force on the day."""
        return tuple(each for each in self.enrollments if each.starts <= day and (each.ends is None or each.ends > day))

    def arranged(self, day: date, until: date | None, groups: _GroupHistory, *, is_first: bool) -> EnrolledMeetings:
        """Return the meetings that are already arranged for a level of care, or NOT_ENROLLED if there are none.

        The level is in force in [day, until). The arranged meetings are those that the patient attends at the end of
        the level's first week. If there are none, the week that begins when the patient first joins a meeting during
        the level is used instead.

        For the first level of a plan (`is_first`), these meetings always count as arranged. For a later level, they
        count only if the patient's groups differ from the groups before the level.
        """
        then = list(self.in_week_from(day))
        if not then:
            begin = (_start_of(row) for row in self.rows)
            later = min((each for each in begin if day < each and (until is None or each < until)), default=day)
            then = list(self.in_week_from(later))
        if not then or not (is_first or self._differs(then, day, groups)):
            return NOT_ENROLLED
        tracks = {row.enrollment_id: row.enrollment.track for row in then}
        return EnrolledMeetings(
            meetings=tuple(row.meeting.as_weekly_meeting() for row in then),
            tracks=frozenset(track.pk for track in tracks.values()),
            individual_minutes=sum(track.individual_minutes for track in tracks.values()),
        )

    def _differs(self, then: Collection[EnrollmentMeeting], day: date, groups: _GroupHistory) -> bool:
        """Whether the patient's groups on the day before `day` differ from the groups of the meetings in `then`."""
        before = (row for row in self.rows if _start_of(row) < day and not _is_over(row, day))
        return groups.groups_of(row.meeting_id for row in then) != groups.groups_of(row.meeting_id for row in before)

    def in_week_from(self, day: date) -> Iterator[EnrollmentMeeting]:
        """Yield the group meetings that the patient attends at the end of the week that begins on `day`.

        A meeting that starts during the week is included. A meeting that ends before the week's last day is not.
        """
        for row in self.rows:
            if _start_of(row) < day + WEEK and not _is_over(row, day + WEEK):
                yield row


def _start_of(row: EnrollmentMeeting) -> date:
    return max(row.starts, row.meeting.runs_from)


def _is_over(row: EnrollmentMeeting, day: date) -> bool:
    """Whether the patient's time in the meeting is already over on the day before `day`."""
    ends = [each for each in (row.ends, row.meeting.runs_until) if each is not None]
    return bool(ends) and min(ends) < day
