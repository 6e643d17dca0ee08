"""Step-down ahead: brings the levels of a course of care, with what the patient attends by then, to the search through them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

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
    """A level of care from the first day on which it is looked at, and what is arranged or found for it.

    `in_tracks` are the names of the tracks in which that is, `stands_in` the places that the patient has when the level begins,
    from which they would go on. Where no schedule was found, `fits` says of each track what stands against it, and `repairs`
    what would help.
    """

    span: LevelOfCareSpan
    stage: StepPlan
    in_tracks: tuple[str, ...]
    stands_in: tuple[Enrollment, ...]
    fits: tuple[Fit, ...]
    repairs: tuple[Suggestion, ...]

    @property
    def starts(self) -> date:
        return self.stage.step.starts

    @property
    def need(self) -> Need:
        return self.stage.step.need

    @property
    def last_day(self) -> date | None:
        return self.span.ends - DAY if self.span.ends else None


def plan_step_down(*, episode: Episode, from_day: date) -> tuple[LevelPlan, ...]:
    """The levels that hold on the day or later, each with the schedule that is best with those before and after it.

    As many queries for three as for one. Reads prefetched spans and the patient. Raises Refused when the course of care is
    over by then, or no level is stated.
    """
    spans = [span for span in episode.spans.all() if span.ends is None or span.ends > from_day]
    if not spans or (episode.ends is not None and episode.ends <= from_day):
        raise Refused([NoEpisode(from_day)])
    spans.sort(key=lambda span: span.starts)
    days = [max(from_day, span.starts) for span in spans]
    places = AttendedMeetings.of(episode, days[0])
    lives = PatientAvailability.of(episode.site, [episode], days[0], apart_from=places.enrollments)
    tracks = list(published_tracks(episode.site))
    full = full_dates(site=episode.site, from_day=days[0], apart_from=own_sessions_of(episode, places.enrollments))
    groups = _GroupHistory.of(tracks, places.meetings)
    steps: list[Step] = []
    for span, day in zip(spans, days, strict=True):
        arranged = places.arranged(day, span.ends, groups, is_first=not steps)
        offers = tuple(as_offer(track, day, full) for track in tracks)
        going_on = tuple(_with_eligibility(as_offer(track, day, full, goes_on=True), track) for track in tracks)
        offered = (each.meeting for offer in (*offers, *going_on) for each in offer.meetings)
        steps.append(
            Step(
                need=places.beside_hours(lives.need(episode, day)),
                offers=offers,
                offers_if_enrolled=going_on,
                follows=groups.follows(offered),
                arranged=arranged,
            )
        )
    stages = plan_steps(steps, enrolled=steps[0].arranged)
    names = {track.pk: track.name for track in (*tracks, *(each.track for each in places.enrollments))}
    return tuple(
        LevelPlan(
            span=span,
            stage=stage,
            in_tracks=tuple(sorted(names[int(key)] for key in stage.track_keys)),
            stands_in=places.enrollments_on(stage.step.starts),
            fits=() if stage.meetings else find_fits(_open_offers(stage), stage.step.need),
            repairs=() if stage.meetings else find_suggestions(_open_offers(stage), stage.step.need),
        )
        for span, stage in zip(spans, stages, strict=True)
    )


def _with_eligibility(offer: Offer, track: Track) -> Offer:
    """Who is in a track may stay in it whatever their level and age, but is led on to one that is meant for them."""
    return replace(offer, level=track.level, from_age=track.from_age, to_age=track.to_age)


def _open_offers(stage: StepPlan) -> tuple[Offer, ...]:
    return stage.step.open_to(stage.tracks_before)


def own_sessions_of(episode: Episode, enrollments: Iterable[Enrollment]) -> SessionQuerySet:
    """Sessions in which the patient needs no new place."""
    known = Q(pk__in=settled_sessions(episode).order_by().values("pk"))
    for enrollment in enrollments:
        known |= Q(pk__in=own_sessions(enrollment).order_by().values("pk"))
    return Session.objects.filter(known)


@dataclass(frozen=True, slots=True)
class _GroupHistory:
    """Under each meeting the first of those that took each other's place from a date on: the group as people know it."""

    first: Mapping[Key, Key]

    @classmethod
    def of(cls, tracks: Iterable[Track], attended: Iterable[Meeting]) -> "_GroupHistory":
        meetings = [*attended, *(meeting for track in tracks for meeting in track.meetings.all())]
        before = {meeting.pk: meeting.continues_id for meeting in meetings}
        first: dict[Key, Key] = {}
        for meeting in before:
            earliest = meeting
            while (earlier := before.get(earliest)) is not None:
                earliest = earlier
            first[meeting] = earliest
        return cls(first)

    def known(self, meetings: Iterable[Key]) -> set[Key]:
        return {self.first.get(each, each) for each in meetings}

    def follows(self, offered: Iterable[WeeklyMeeting]) -> dict[Key, WeeklyMeeting]:
        """Under each other meeting of the same groups, the one that is offered."""
        then = {self.first.get(each.key, each.key): each for each in offered}
        return {key: then[first] for key, first in self.first.items() if first in then and then[first].key != key}


@dataclass(frozen=True, slots=True)
class AttendedMeetings:
    """The standing places in groups that a patient has on a day or later, in the order of their first days, and those in the
    individual `hours` that are kept for them.
    """

    places: Sequence[EnrollmentMeeting]
    hours: Sequence[EnrollmentMeeting]

    @classmethod
    def of(cls, episode: Episode, day: date) -> "AttendedMeetings":
        """Two queries."""
        rows = EnrollmentMeeting.objects.filter(Q(ends=None) | Q(ends__gt=day), enrollment__episode=episode)
        rows = rows.filter(Q(meeting__runs_until=None) | Q(meeting__runs_until__gt=day))
        rows = rows.select_related("meeting__service_type", "enrollment__track", "enrollment__episode")
        found = list(rows.prefetch_related("meeting__meeting_facilitators").order_by("starts", "pk"))
        return cls(
            [each for each in found if each.meeting.kept_for_id is None],
            [each for each in found if each.meeting.kept_for_id is not None],
        )

    def beside_hours(self, need: Need) -> Need:
        """Individual hours stay what they are while groups change, and these go around them."""
        busy = (
            each.meeting.as_busy_time(label=each.meeting.name, valid_from=each.starts, valid_until=each.ends)
            for each in self.hours
            if each.ends is None or each.ends > need.from_day
        )
        return replace(need, busy=(*need.busy, *busy))

    @property
    def enrollments(self) -> list[Enrollment]:
        return list({place.enrollment_id: place.enrollment for place in self.places}.values())

    @property
    def meetings(self) -> list[Meeting]:
        return [place.meeting for place in self.places]

    def enrollments_on(self, day: date) -> tuple[Enrollment, ...]:
        return tuple(each for each in self.enrollments if each.starts <= day and (each.ends is None or each.ends > day))

    def arranged(self, day: date, until: date | None, groups: _GroupHistory, *, is_first: bool) -> EnrolledMeetings:
        """What was chosen for a level that begins on the day: what is attended now, or begins or ends with it or later."""
        then = list(self.in_week_from(day))
        if not then:
            begin = (_start_of(place) for place in self.places)
            later = min((each for each in begin if day < each and (until is None or each < until)), default=day)
            then = list(self.in_week_from(later))
        if not then or not (is_first or self._differs(then, day, groups)):
            return NOT_ENROLLED
        tracks = {place.enrollment_id: place.enrollment.track for place in then}
        return EnrolledMeetings(
            meetings=tuple(place.meeting.as_weekly_meeting() for place in then),
            tracks=frozenset(track.pk for track in tracks.values()),
            individual_minutes=sum(track.individual_minutes for track in tracks.values()),
        )

    def _differs(self, then: Collection[EnrollmentMeeting], day: date, groups: _GroupHistory) -> bool:
        """Whether other groups are attended then than on the day before."""
        before = (place for place in self.places if _start_of(place) < day and not _is_over(place, day))
        return groups.known(place.meeting_id for place in then) != groups.known(place.meeting_id for place in before)

    def in_week_from(self, day: date) -> Iterator[EnrollmentMeeting]:
        """Those that hold for the whole rest of the week from the day."""
        for place in self.places:
            if _start_of(place) < day + WEEK and not _is_over(place, day + WEEK):
                yield place


def _start_of(place: EnrollmentMeeting) -> date:
    return max(place.starts, place.meeting.runs_from)


def _is_over(place: EnrollmentMeeting, day: date) -> bool:
    """Whether it ends before the half-open end `day`, so that a week up to there is not attended in full."""
    ends = [each for each in (place.ends, place.meeting.runs_until) if each is not None]
    return bool(ends) and min(ends) < day
