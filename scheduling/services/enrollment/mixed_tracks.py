"""Find the meetings of other tracks that a patient may attend, if the clinic lets tracks mix."""

from dataclasses import dataclass
from datetime import date

from django.db.models import F, Q

from scheduling.models import Enrollment, Meeting, Track
from scheduling.services.search.offers import as_offer


@dataclass(frozen=True, slots=True)
class CrossTrackOptions:
    """The tracks that mix with the patient's track, and the meetings of other tracks that the patient may attend."""

    tracks: tuple[Track, ...] = ()
    meetings: tuple[Meeting, ...] = ()


NO_CROSS_TRACK_OPTIONS = CrossTrackOptions()


def cross_track_options(track: Track, *, changes: Enrollment | None = None) -> CrossTrackOptions:
    """Return the tracks that mix with `track`, and the meetings of these tracks that are not in `track`.

    If an enrollment is given (`changes`), its meetings of other tracks are included as well. The patient may keep them
    even if the tracks no longer mix.

    Runs no query if the track does not mix and no enrollment is given. Reads the track's site, and its prefetched
    meetings and start dates.
    """
    tracks = _mixable_tracks(track) if track.mixes else ()
    rows = [meeting for each in tracks for meeting in each.meetings.all()]
    if changes is not None:
        rows += _attended_elsewhere(track, changes)
    own = {meeting.pk for meeting in track.meetings.all()}
    return CrossTrackOptions(tracks, tuple({meeting.pk: meeting for meeting in rows if meeting.pk not in own}.values()))


def _attended_elsewhere(track: Track, enrollment: Enrollment) -> list[Meeting]:
    """Return the enrollment's meetings of other tracks.

    A meeting is left out if the patient leaves it before the meeting ends and before the enrollment ends.
    """
    lasts = Q(enrollment_meetings__ends=None) | Q(enrollment_meetings__ends=F("runs_until"))
    if enrollment.ends is not None:
        lasts |= Q(enrollment_meetings__ends=enrollment.ends)
    visited = Meeting.objects.filter(lasts, enrollment_meetings__enrollment=enrollment, kept_for=None)
    rows = visited.exclude(tracks=track).select_related("service_type", "room")
    return list(rows.prefetch_related("meeting_facilitators").distinct())


def _mixable_tracks(track: Track) -> tuple[Track, ...]:
    others = (
        Track.objects.filter(site=track.site_id)
        .published()
        .exclude(pk=track.pk)
        .select_related("site")
        .prefetch_related("cohort_starts", "meetings__service_type", "meetings__meeting_facilitators", "meetings__room")
    )
    own = as_offer(track, date.min, {})
    return tuple(other for other in others if as_offer(other, date.min, {}).mixes_with(own))
