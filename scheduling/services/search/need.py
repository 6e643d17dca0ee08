"""A patient's need in the search for a schedule: the prescription, and when the patient is busy."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo

from django.conf import settings

from patients.models import Commitment, Episode, LevelOfCareSpan
from scheduling.domain.search.need import CurrentEnrollment, Need, age_on
from scheduling.models import Closure, Enrollment, EnrollmentMeeting, Site
from scheduling.services.availability.imported_calendars import calendar_busy_in_weeks
from scheduling.services.reasons import BeforeAdmission
from scheduling.services.rulebook import RuleBook
from timekeeping.busy_times import BusyTime
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason, Refused
from timekeeping.time_zones import clock_differences, shift_busy_time


@dataclass(frozen=True, slots=True)
class NoEpisode(Reason):
    """The episode of care is over on the requested day, or has no level of care on that day or later."""

    asked: date


def span_in_force(episode: Episode, day: date) -> LevelOfCareSpan | None:
    """Return the level of care in force on `day` or, if there is none, the next one. Reads prefetched spans."""
    spans = sorted(episode.spans.all(), key=lambda span: span.starts)
    in_force = [span for span in spans if span.holds_on(day)]
    return in_force[0] if in_force else next((span for span in spans if span.starts > day), None)


def need_of(
    *, episode: Episode, from_day: date, apart_from: Enrollment | None = None, changes: Enrollment | None = None
) -> Need:
    """Return the patient's need from `from_day` on: prescription, commitments, and meetings of current enrollments.

    The meetings of the enrollment `apart_from` are left out. For the enrollment `changes`, only the group meetings are
    left out, not the individual sessions. Raises Refused if the episode is over before `from_day`, or has no level of
    care on that day or later.
    """
    left_out = changes or apart_from
    availability = PatientAvailability.of(
        episode.site, [episode], from_day, apart_from=[left_out] if left_out else [], changes=changes
    )
    return availability.need(episode, from_day)


def need_from_admission(*, episode: Episode, from_day: date, apart_from: Enrollment | None = None) -> Need:
    """Return the same need as `need_of`, but also raise Refused if the day is before the admission."""
    if from_day < episode.starts:
        raise Refused([BeforeAdmission(from_day, episode.starts)])
    return need_of(episode=episode, from_day=from_day, apart_from=apart_from)


@dataclass(frozen=True, slots=True)
class PatientAvailability:
    """The busy times of one or more patients from a day on, in a site's local time.

    `commitments` maps patient ids to busy times from commitments. `treatment` maps episode ids to busy times from the
    meetings of enrollments. `enrollments` maps episode ids to these enrollments, the first one first.
    """

    book: RuleBook
    commitments: Mapping[int, list[BusyTime]]
    treatment: Mapping[int, list[BusyTime]]
    enrollments: Mapping[int, Sequence[CurrentEnrollment]]
    closed: tuple[Interval[date], ...]

    @classmethod
    def of(
        cls,
        site: Site,
        episodes: Iterable[Episode],
        from_day: date,
        *,
        apart_from: Iterable[Enrollment] = (),
        changes: Enrollment | None = None,
    ) -> "PatientAvailability":
        """Read when the patients are busy. The number of queries does not depend on the number of patients.

        The meetings of the enrollments in `apart_from` do not count as busy times. The individual sessions of the
        enrollment `changes` always count. Episodes may be at other sites: their times are converted to this site's time
        zone.
        """
        episodes = list(episodes)
        zones = {each.patient_id: site.zone if each.site_id == site.pk else each.site.zone for each in episodes}
        patients = list(zones)
        commitments: dict[int, list[BusyTime]] = defaultdict(list, calendar_busy_in_weeks(patients, site.zone))
        rows = Commitment.objects.filter(patient__in=patients)
        for commitment in rows.in_force_from(from_day).with_travel():
            busy = commitment.as_busy_time(site=site)
            commitments[commitment.patient_id] += _in_site_time(site, busy, zones[commitment.patient_id], from_day)
        closures = Closure.objects.filter(site=site, ends__gt=from_day)
        closed = tuple(closure.as_interval() for closure in closures)
        treatment, enrollments = _treatment(
            site, episodes, from_day, {enrollment.pk for enrollment in apart_from}, changes
        )
        return cls(RuleBook.of(site), commitments, treatment, enrollments, closed)

    def need(self, episode: Episode, from_day: date) -> Need:
        """Return the need of one episode from `from_day` on. `of` must have been called with this or an earlier day.

        Reads prefetched spans and the patient. Raises Refused as `need_of` does.
        """
        span = span_in_force(episode, from_day)
        if span is None or (episode.ends is not None and episode.ends <= from_day):
            raise Refused([NoEpisode(from_day)])
        return Need(
            prescribed_minutes=span.prescribed_minutes,
            prescribed_days=span.prescribed_days,
            from_day=from_day,
            weeks=settings.HORIZON_WEEKS,
            busy=(*self.commitments.get(episode.patient_id, ()), *self.treatment.get(episode.pk, ())),
            rules=self.book.on(from_day, span.level),
            closed=self.closed,
            level=span.level,
            age=age_on(from_day, episode.patient.birth_date),
            enrollments=tuple(self.enrollments.get(episode.pk, ())),
        )


def _in_site_time(site: Site, busy: BusyTime, zone: tzinfo, from_day: date) -> tuple[BusyTime, ...]:
    """Convert a busy time to the site's time zone.

    The difference between the two time zones can change within the horizon. The busy time is then converted with each
    difference, and the patient counts as busy at all resulting times.
    """
    if zone == site.zone:
        return (busy,)
    until = from_day + timedelta(weeks=settings.HORIZON_WEEKS)
    differences = clock_differences(zone, site.zone, from_day, until)
    return tuple(each for minutes in differences for each in shift_busy_time(busy, minutes))


def _treatment(
    site: Site,
    episodes: Iterable[Episode],
    from_day: date,
    apart_from: set[int],
    changes: Enrollment | None,
) -> tuple[dict[int, list[BusyTime]], dict[int, list[CurrentEnrollment]]]:
    """Return two maps by episode id: busy times of the meetings in which the patient is enrolled, and the enrollments."""
    found: dict[int, list[BusyTime]] = defaultdict(list)
    enrollments: dict[int, set[CurrentEnrollment]] = defaultdict(set)
    attended = EnrollmentMeeting.objects.filter(enrollment__episode__in=[episode.pk for episode in episodes])
    for each in attended.select_related("meeting__site", "enrollment"):
        meeting = each.meeting
        begins = max(each.starts, meeting.runs_from)
        ends = min((day for day in (each.ends, meeting.runs_until) if day is not None), default=None)
        is_kept = changes is not None and meeting.kept_for_id == changes.pk
        if (is_kept or each.enrollment_id not in apart_from) and (ends is None or max(begins, from_day) < ends):
            busy = meeting.as_busy_time(label=meeting.name, valid_from=begins, valid_until=ends)
            found[each.enrollment.episode_id] += _in_site_time(site, busy, meeting.site.zone, from_day)
        if each.enrollment_id not in apart_from:
            enrollment = each.enrollment
            current = CurrentEnrollment(enrollment.track_id, enrollment.starts, enrollment.ends)
            enrollments[enrollment.episode_id].add(current)
    return found, {episode: sorted(of_one, key=lambda each: each.starts) for episode, of_one in enrollments.items()}
