"""Rows of the list of patients: each patient with their current care."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Prefetch, QuerySet

from patients.models import Episode, LevelOfCareSpan, Patient
from scheduling.models import Enrollment, EnrollmentMeeting


@dataclass(frozen=True, slots=True)
class ListedPatient:
    """A row of the list of patients: patient, current or next episode, level of care, tracks, and weekdays."""

    patient: Patient
    episode: Episode | None
    span: LevelOfCareSpan | None
    tracks: tuple[str, ...]
    weekdays: tuple[int, ...]


def with_current_care(patients: QuerySet[Patient], today: date) -> QuerySet[Patient]:
    """Prefetch everything that `list_patient` reads, in a fixed number of queries."""
    attended = EnrollmentMeeting.objects.select_related("meeting")
    enrollments = Enrollment.objects.open_on_or_after(today).select_related("track")
    episodes = Episode.objects.order_by("-starts").prefetch_related(
        "spans", Prefetch("enrollments", enrollments.prefetch_related(Prefetch("enrollment_meetings", attended)))
    )
    return patients.prefetch_related(Prefetch("episodes", episodes))


def current_episode(episodes: Iterable[Episode], today: date) -> Episode | None:
    """Return the episode that includes the day `today`, or else the next episode. Return None if there is neither."""
    return next((each for each in episodes if each.ends is None or each.ends > today), None)


def current_span(episode: Episode | None, today: date) -> LevelOfCareSpan | None:
    """Return the level of care that is in force today or, for a future episode, on its first day.

    Uses prefetched spans.
    """
    if episode is None:
        return None
    return episode.span_on(episode.earliest_from(today))


def list_patient(patient: Patient, today: date) -> ListedPatient:
    """Build a row of the list from what `with_current_care` prefetched."""
    episode = current_episode(patient.episodes.all(), today)
    enrollments = list(episode.enrollments.all()) if episode else []
    attended = [meeting for each in enrollments for meeting in each.enrollment_meetings.all()]
    return ListedPatient(
        patient=patient,
        episode=episode,
        span=current_span(episode, today),
        tracks=tuple(each.track.name for each in enrollments),
        weekdays=tuple(sorted({each.meeting.weekday for each in attended if each.ends is None or each.ends > today})),
    )
