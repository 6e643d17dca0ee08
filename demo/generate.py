"""Fills the demo clinic around a given instant: admissions, enrollments, what was attended, and what is to come.

Everything goes through the services that the pages use, each at the time at which it would have been done; chance is seeded.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from accounts.models import User
from demo.attendance import excuse, make_up_a_miss, mark_the_past
from demo.episodes import COHORT, COHORT_TRACK, COURSES, INTENSIVE, SMALL_TRACK, WAITING_FOR_A_PLACE, Course
from demo.sign_ins import AT_RISK, OUT_OF_REACH, SIGN_INS, STEPS_DOWN_SOON, THE_PATIENT, WAITING
from patients.models import CommitmentKind, Episode, Patient
from patients.services import CommitmentValues, LevelValues, add_commitment, admit_patient, state_level
from scheduling.domain.individual.proposals import WeeklyHour
from scheduling.models import Closure, Meeting, Priority, Site, Track
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.enroll import discharge_patient, end_enrollment, enroll_patient
from scheduling.services.enrollment.individual import propose_one_to_ones
from scheduling.services.enrollment.waitlist import join_waiting_list
from scheduling.services.search.queries import find_schedules, need_of
from scheduling.services.timetable.closures import close_site
from timekeeping.weeks import week_start

WEEKS_BACK = 8
STATED_BY = "Dr. Imani Cole, MD"
OFFICE_OPENS = time(8, 0)

Say = Callable[[str], None]
Step = tuple[datetime, Callable[[datetime], None]]


class Demo:
    """The imported clinic and the instant around which it is filled."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.by = User.objects.get(email=SIGN_INS[0].email)
        self.sites = {site.pk: site for site in Site.objects.all()}
        self.patients = {patient.code: patient for patient in Patient.objects.select_related("site")}
        self.tracks = {track.code: track for track in Track.objects.select_related("site")}
        self.episodes: dict[str, Episode] = {}

    def this_week(self, site: Site) -> date:
        return week_start(self.now.astimezone(site.zone).date())

    def office_opens(self, site: Site, day: date) -> datetime:
        """When something is written down on the day; never later than now."""
        return min(datetime.combine(day, OFFICE_OPENS, site.zone).astimezone(UTC), self.now)


def fill_clinic(*, now: datetime, say: Say) -> None:
    """The demo clinic must be imported, and hold nothing else."""
    demo = Demo(now)
    _close_for_training(demo)
    for site in demo.sites.values():
        first = demo.this_week(site) - timedelta(weeks=WEEKS_BACK)
        extend_horizon(site=site, today=now.astimezone(site.zone).date(), now=now, first=first)
    say("Sessions are written.")
    for at, act in sorted(_steps(demo), key=lambda step: step[0]):
        act(at)
    for site in demo.sites.values():
        extend_horizon(site=site, today=now.astimezone(site.zone).date(), now=now)
    say(f"{len(demo.episodes)} patients are admitted.")
    _wait_for_a_place(demo)
    _live_through_this_week(demo)
    make_up_a_miss(demo.episodes[THE_PATIENT], demo.this_week(demo.patients[THE_PATIENT].site), by=demo.by)
    marked = mark_the_past(now=now, reserved=(OUT_OF_REACH, AT_RISK))
    say(f"{marked} sessions of the past {WEEKS_BACK} weeks are marked.")


def _close_for_training(demo: Demo) -> None:
    """A Friday five weeks ago and one in four weeks, never in the present week, unless the site is closed on it already."""
    administrator = User.objects.get(email=SIGN_INS[2].email)
    for site in demo.sites.values():
        for weeks in (-5, 4):
            friday = demo.this_week(site) + timedelta(weeks=weeks, days=4)
            if not Closure.objects.filter(site=site).touching(friday, friday + timedelta(days=1)).exists():
                close_site(
                    site=site,
                    first_day=friday,
                    last_day=friday,
                    reason="Staff training",
                    by=administrator,
                    now=demo.now,
                )


def _steps(demo: Demo) -> Iterator[Step]:
    """Everything that was decided about patients, each with the time at which it was."""
    for course in COURSES:
        patient = demo.patients[course.patient]
        week = demo.this_week(patient.site)
        starts = week - timedelta(weeks=course.since_week) + timedelta(days=course.weekday)
        yield demo.office_opens(patient.site, starts - timedelta(days=3)), _begin(demo, course, starts)
        if course.until_week is not None:
            last_day = week - timedelta(weeks=course.until_week, days=1)
            yield demo.office_opens(patient.site, last_day - timedelta(days=3)), _end(demo, course, last_day)
    track = demo.tracks[COHORT_TRACK]
    today = demo.now.astimezone(track.site.zone).date()
    began = max(start.on for start in track.cohort_starts.all() if start.on <= today)
    for code in COHORT:
        course = Course(code, COHORT_TRACK, 0, referral="Community mental health center")
        yield demo.office_opens(track.site, began - timedelta(days=3)), _begin(demo, course, began)
    for code in WAITING_FOR_A_PLACE:
        yield demo.now, _state_a_level(demo, code)
    yield demo.now, _state_the_next_level(demo, STEPS_DOWN_SOON)


def _level(course: Course, starts: date) -> LevelValues:
    return LevelValues(
        level=course.level,
        prescribed_minutes=course.minutes,
        prescribed_days=course.days,
        starts=starts,
        stated_by=STATED_BY,
    )


def _begin(demo: Demo, course: Course, starts: date) -> Callable[[datetime], None]:
    """Admits the patient, or steps to the next level, and enrolls in all of the track that fits."""

    def act(at: datetime) -> None:
        level, standing = _level(course, starts), demo.episodes.get(course.patient)
        if standing is None:
            demo.episodes[course.patient] = admit_patient(
                patient=demo.patients[course.patient],
                values=level,
                referral_source=course.referral,
                by=demo.by,
                now=at,
            )
        else:
            state_level(episode=standing, values=level, by=demo.by, now=at)
        episode = Episode.objects.prefetch_related("spans").get(pk=demo.episodes[course.patient].pk)
        track = demo.tracks[course.track]
        fit = next(fit for fit in find_schedules(episode=episode, from_day=starts) if fit.offer.key == track.pk)
        meetings = track.meetings.filter(pk__in=[meeting.key for meeting in fit.choice])
        enroll_patient(
            episode=episode,
            track=track,
            meetings=list(meetings),
            starts=starts,
            individual=_hours_of_their_own(episode, track, meetings, starts, at),
            by=demo.by,
            now=at,
        )

    return act


def _hours_of_their_own(
    episode: Episode, track: Track, meetings: Iterable[Meeting], starts: date, at: datetime
) -> Sequence[WeeklyHour]:
    """The first times that are proposed for the individual time of the track."""
    found = propose_one_to_ones(
        episode=episode,
        minutes=track.individual_minutes,
        meetings=[meeting.pk for meeting in meetings],
        need=need_of(episode=episode, from_day=starts),
        today=at.astimezone(track.site.zone).date(),
    )
    return found.proposals[0].hours if found.proposals else ()


def _end(demo: Demo, course: Course, last_day: date) -> Callable[[datetime], None]:
    """Ends the place in the track, and the care itself if no other course follows."""
    goes_on = any(other.patient == course.patient and other is not course for other in COURSES)

    def act(at: datetime) -> None:
        episode = demo.episodes[course.patient]
        if goes_on:
            enrollment = episode.enrollments.get(track=demo.tracks[course.track])
            end_enrollment(enrollment=enrollment, last_day=last_day, reason="Stepping down", by=demo.by, now=at)
        else:
            discharge_patient(episode=episode, last_day=last_day, reason="Completed the program", by=demo.by, now=at)

    return act


def _state_the_next_level(demo: Demo, code: str) -> Callable[[datetime], None]:
    def act(at: datetime) -> None:
        starts = demo.this_week(demo.patients[code].site) + timedelta(weeks=2)
        level = _level(Course(code, "", 0), starts)
        state_level(episode=demo.episodes[code], values=level, by=demo.by, now=at)

    return act


def _state_a_level(demo: Demo, code: str) -> Callable[[datetime], None]:
    def act(at: datetime) -> None:
        patient = demo.patients[code]
        next_week = demo.this_week(patient.site) + timedelta(weeks=1)
        level = LevelValues(
            level=INTENSIVE, prescribed_minutes=540, prescribed_days=3, starts=next_week, stated_by=STATED_BY
        )
        demo.episodes[code] = admit_patient(patient=patient, values=level, by=demo.by, now=at)

    return act


def _wait_for_a_place(demo: Demo) -> None:
    """The one whom only a full group would fit waits for it."""
    episode = demo.episodes[WAITING]
    join_waiting_list(
        episode=episode,
        track=demo.tracks[SMALL_TRACK],
        priority=Priority.SOON,
        from_day=episode.starts,
        by=demo.by,
        now=demo.now,
    )


def _live_through_this_week(demo: Demo) -> None:
    """One patient is in hospital on Monday and Tuesday, of whose week no day can be missed; another is in court on Monday."""
    for code, days, label, reason in (
        (OUT_OF_REACH, (0, 1), "In hospital", "In hospital"),
        (AT_RISK, (0,), "Court hearing", "Court hearing"),
    ):
        patient, week = demo.patients[code], demo.this_week(demo.patients[code].site)
        for day in days:
            on = week + timedelta(days=day)
            at = demo.office_opens(patient.site, on)
            add_commitment(patient=patient, values=_all_day(on, label, code), by=demo.by, now=at)
            excuse(demo.episodes[code], on, reason, by=demo.by, now=at)


def _all_day(on: date, label: str, code: str) -> CommitmentValues:
    kind = CommitmentKind.MEDICAL if code == OUT_OF_REACH else CommitmentKind.COURT
    whole: dict[str, Any] = {"starts": time(0), "ends": time(0)}
    hearing: dict[str, Any] = {"starts": time(8, 30), "ends": time(12, 30)}
    return CommitmentValues(kind=kind, label=label, on=on, **(whole if code == OUT_OF_REACH else hearing))
