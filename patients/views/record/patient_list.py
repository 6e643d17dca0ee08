"""A line of the list of patients: the person and where they stand in care."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Prefetch, QuerySet

from patients.models import Episode, LevelOfCareSpan, Patient
from scheduling.models import Enrollment, EnrollmentMeeting


@dataclass(frozen=True, slots=True)
class ListedPatient:
    """A patient with the course of care, the level, the tracks and the weekdays that hold on a day or are to come."""

    patient: Patient
    episode: Episode | None
    span: LevelOfCareSpan | None
    tracks: tuple[str, ...]
    weekdays: tuple[int, ...]


def with_current_care(patients: QuerySet[Patient], today: date) -> QuerySet[Patient]:
    """With all that `listed` reads, in a fixed number of queries."""
    places = EnrollmentMeeting.objects.select_related("meeting")
    enrollments = Enrollment.objects.open_on_or_after(today).select_related("track")
    episodes = Episode.objects.order_by("-starts").prefetch_related(
        "spans", Prefetch("enrollments", enrollments.prefetch_related(Prefetch("enrollment_meetings", places)))
    )
    return patients.prefetch_related(Prefetch("episodes", episodes))


def current_episode(episodes: Iterable[Episode], today: date) -> Episode | None:
    """The course of care that lasts on the day or is to begin."""
    return next((each for each in episodes if each.ends is None or each.ends > today), None)


def current_span(episode: Episode | None, today: date) -> LevelOfCareSpan | None:
    """The level that holds, or the first to come; reads prefetched spans."""
    if episode is None:
        return None
    return episode.span_on(max(today, episode.starts))


def list_patient(patient: Patient, today: date) -> ListedPatient:
    """Reads what `with_present_care` fetched."""
    episode = current_episode(patient.episodes.all(), today)
    enrollments = list(episode.enrollments.all()) if episode else []
    places = [place for each in enrollments for place in each.enrollment_meetings.all()]
    return ListedPatient(
        patient=patient,
        episode=episode,
        span=current_span(episode, today),
        tracks=tuple(each.track.name for each in enrollments),
        weekdays=tuple(sorted({each.meeting.weekday for each in places if each.ends is None or each.ends > today})),
    )
