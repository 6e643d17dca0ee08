"""Fill the demo clinic with admissions, enrollments, attendance and future sessions around a given time.

All changes go through the services that the pages use. Each change has the date on which staff would have made it.
Random choices are seeded, so the clinic is the same every time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from accounts.models import User
from demo.attendance import add_makeup, excuse, mark_past_sessions
from demo.episodes import (
    COHORT,
    COHORT_TRACK,
    DEMO_ENROLLMENTS,
    INTENSIVE,
    NOT_YET_ENROLLED,
    SMALL_TRACK,
    DemoEnrollment,
)
from demo.sign_ins import AT_RISK, ON_WAITLIST, OUT_OF_REACH, PATIENT_WITH_SIGN_IN, SIGN_INS, STEPPING_DOWN_SOON
from patients.models import CommitmentKind, Episode, Patient
from patients.services.availability.commitments import CommitmentValues, add_commitment
from patients.services.care.episodes import LevelValues, admit_patient, set_level_of_care
from scheduling.domain.hours.rules import HoursRules
from scheduling.domain.individual.proposals import WeeklyHour
from scheduling.models import Closure, Meeting, Priority, Site, Track
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.discharge import discharge_patient
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.enrollment.individual import propose_individual_sessions
from scheduling.services.enrollment.waitlist import join_waitlist
from scheduling.services.rulebook import RuleBook
from scheduling.services.search.need import need_of
from scheduling.services.search.offers import search_tracks
from scheduling.services.timetable.closures import close_site
from timekeeping.weeks import week_start

WEEKS_BACK = 8
ORDERED_BY = "Dr. Imani Cole, MD"
OFFICE_OPENS = time(8, 0)

Report = Callable[[str], None]
DemoStep = tuple[datetime, Callable[[datetime], None]]


class DemoClinic:
    """The records of the imported clinic, and the time that counts as the current time."""

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
        """Return the time when the site's office opens on the day, or the current time if that is earlier."""
        return min(datetime.combine(day, OFFICE_OPENS, site.zone).astimezone(UTC), self.now)


def fill_clinic(*, now: datetime, say: Report) -> None:
    """Fill the demo clinic. The clinic must have just been imported.

    The function `say` is called with each progress message.
    """
    demo = DemoClinic(now)
    _close_for_training(demo)
    for site in demo.sites.values():
        first = demo.this_week(site) - timedelta(weeks=WEEKS_BACK)
        extend_horizon(site=site, now=now, first=first)
    say("Sessions created.")
    for at, act in sorted(_steps(demo), key=lambda step: step[0]):
        act(at)
    for site in demo.sites.values():
        extend_horizon(site=site, now=now)
    say(f"{len(demo.episodes)} patients admitted.")
    _join_waitlist(demo)
    _add_this_weeks_absences(demo)
    add_makeup(
        demo.episodes[PATIENT_WITH_SIGN_IN], demo.this_week(demo.patients[PATIENT_WITH_SIGN_IN].site), by=demo.by
    )
    marked = mark_past_sessions(now=now, reserved=(OUT_OF_REACH, AT_RISK))
    say(f"{marked} sessions of the past {WEEKS_BACK} weeks marked.")


def _close_for_training(demo: DemoClinic) -> None:
    """Close each site for training on two Fridays: one was five weeks ago, and one is in four weeks.

    Skip a Friday that is already closed.
    """
    administrator = User.objects.get(email=SIGN_INS[2].email)
    for site in demo.sites.values():
        for weeks in (-5, 4):
            friday = demo.this_week(site) + timedelta(weeks=weeks, days=4)
            if not Closure.objects.filter(site=site).overlapping(friday, friday + timedelta(days=1)).exists():
                close_site(
                    site=site,
                    first_day=friday,
                    last_day=friday,
                    reason="Staff training",
                    by=administrator,
                    now=demo.now,
                )


def _steps(demo: DemoClinic) -> Iterator[DemoStep]:
    """For each decision about a patient's care, yield its time and a function that carries it out."""
    for planned in DEMO_ENROLLMENTS:
        patient = demo.patients[planned.patient]
        week = demo.this_week(patient.site)
        starts = week - timedelta(weeks=planned.since_week) + timedelta(days=planned.weekday)
        yield demo.office_opens(patient.site, starts - timedelta(days=3)), _admit_and_enroll(demo, planned, starts)
        if planned.until_week is not None:
            last_day = week - timedelta(weeks=planned.until_week, days=1)
            yield demo.office_opens(patient.site, last_day - timedelta(days=3)), _end_care(demo, planned, last_day)
    track = demo.tracks[COHORT_TRACK]
    today = demo.now.astimezone(track.site.zone).date()
    began = max(start.on for start in track.cohort_starts.all() if start.on <= today)
    for code in COHORT:
        planned = DemoEnrollment(code, COHORT_TRACK, 0, referral="Community mental health center")
        yield demo.office_opens(track.site, began - timedelta(days=3)), _admit_and_enroll(demo, planned, began)
    for code in NOT_YET_ENROLLED:
        yield demo.now, _admit_for_next_week(demo, code)
    yield demo.now, _order_next_level(demo, STEPPING_DOWN_SOON)


def _level(planned: DemoEnrollment, starts: date) -> LevelValues:
    return LevelValues(
        level=planned.level,
        prescribed_minutes=planned.minutes,
        prescribed_days=planned.days,
        starts=starts,
        stated_by=ORDERED_BY,
    )


def _rules(patient: Patient, level: LevelValues) -> HoursRules:
    return RuleBook.of(patient.site).on(level.starts, level.level)


def _admit_and_enroll(demo: DemoClinic, planned: DemoEnrollment, starts: date) -> Callable[[datetime], None]:
    """Return a step that enrolls the patient in the meetings of the planned track that fit.

    The step first admits the patient. If the patient was admitted earlier, it sets the next level of care instead.
    """

    def act(at: datetime) -> None:
        level, open_episode = _level(planned, starts), demo.episodes.get(planned.patient)
        if open_episode is None:
            demo.episodes[planned.patient] = admit_patient(
                patient=demo.patients[planned.patient],
                values=level,
                rules=_rules(demo.patients[planned.patient], level),
                referral_source=planned.referral,
                by=demo.by,
                now=at,
            )
        else:
            rules = _rules(open_episode.patient, level)
            set_level_of_care(episode=open_episode, values=level, rules=rules, by=demo.by, now=at)
        episode = Episode.objects.prefetch_related("spans").get(pk=demo.episodes[planned.patient].pk)
        track = demo.tracks[planned.track]
        fit = next(fit for fit in search_tracks(episode=episode, from_day=starts, now=at) if fit.offer.key == track.pk)
        meetings = track.meetings.filter(pk__in=[meeting.key for meeting in fit.choice])
        enroll_patient(
            episode=episode,
            track=track,
            meetings=list(meetings),
            starts=starts,
            individual=_individual_sessions(episode, track, meetings, starts, at),
            by=demo.by,
            now=at,
        )

    return act


def _individual_sessions(
    episode: Episode, track: Track, meetings: Iterable[Meeting], starts: date, at: datetime
) -> Sequence[WeeklyHour]:
    """Return the first proposal of weekly times for the track's individual sessions.

    If there is no proposal, return an empty tuple.
    """
    proposed = propose_individual_sessions(
        episode=episode,
        minutes=track.individual_minutes,
        meetings=[meeting.pk for meeting in meetings],
        need=need_of(episode=episode, from_day=starts),
        today=at.astimezone(track.site.zone).date(),
    )
    return proposed.proposals[0].hours if proposed.proposals else ()


def _end_care(demo: DemoClinic, planned: DemoEnrollment, last_day: date) -> Callable[[datetime], None]:
    """Return a step that ends the enrollment, and discharges the patient if there is no other enrollment."""
    has_another = any(other.patient == planned.patient and other is not planned for other in DEMO_ENROLLMENTS)

    def act(at: datetime) -> None:
        episode = demo.episodes[planned.patient]
        if has_another:
            enrollment = episode.enrollments.get(track=demo.tracks[planned.track])
            end_enrollment(enrollment=enrollment, last_day=last_day, reason="Stepping down", by=demo.by, now=at)
        else:
            discharge_patient(episode=episode, last_day=last_day, reason="Completed the program", by=demo.by, now=at)

    return act


def _order_next_level(demo: DemoClinic, code: str) -> Callable[[datetime], None]:
    def act(at: datetime) -> None:
        starts = demo.this_week(demo.patients[code].site) + timedelta(weeks=2)
        level = _level(DemoEnrollment(code, "", 0), starts)
        rules = _rules(demo.patients[code], level)
        set_level_of_care(episode=demo.episodes[code], values=level, rules=rules, by=demo.by, now=at)

    return act


def _admit_for_next_week(demo: DemoClinic, code: str) -> Callable[[datetime], None]:
    def act(at: datetime) -> None:
        patient = demo.patients[code]
        next_week = demo.this_week(patient.site) + timedelta(weeks=1)
        level = LevelValues(
            level=INTENSIVE, prescribed_minutes=540, prescribed_days=3, starts=next_week, stated_by=ORDERED_BY
        )
        demo.episodes[code] = admit_patient(
            patient=patient, values=level, rules=_rules(patient, level), by=demo.by, now=at
        )

    return act


def _join_waitlist(demo: DemoClinic) -> None:
    """Put one patient on a waitlist. The only track that fits this patient is full."""
    episode = demo.episodes[ON_WAITLIST]
    join_waitlist(
        episode=episode,
        track=demo.tracks[SMALL_TRACK],
        priority=Priority.SOON,
        from_day=episode.starts,
        by=demo.by,
        now=demo.now,
    )


def _add_this_weeks_absences(demo: DemoClinic) -> None:
    """Record that two patients are absent this week: add commitments, and mark their sessions as excused.

    One patient, who can't miss any day, is in the hospital for two days. The other has a court hearing on the first day of the
    week.
    """
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
