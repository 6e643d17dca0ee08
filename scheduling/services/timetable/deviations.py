"""Differences between sessions and their meetings: changes made by hand, and missing rooms or facilitators."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.db.models import Q

from scheduling.models import Session, SessionStatus, Track
from scheduling.models.session import SessionQuerySet
from timekeeping.occurrences import at_wall_clock


class DeviationKind(StrEnum):
    """One way in which a session differs from its meeting."""

    CANCELLED = "cancelled"
    MOVED = "moved"
    ANOTHER_ROOM = "another_room"
    NO_ROOM = "no_room"
    OTHERS = "others"
    """The session's facilitators are not those of its meeting."""
    NOBODY = "nobody"
    PLACES = "places"
    OTHERWISE = "otherwise"
    """The session has its own topic or telehealth link, or its modality is not that of the meeting."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """All differences between a session and its meeting. A session that was changed and then changed back has none."""

    session: Session
    kinds: tuple[DeviationKind, ...] = ()

    @property
    def is_incomplete(self) -> bool:
        """Whether the session lacks its room or its facilitators."""
        return DeviationKind.NO_ROOM in self.kinds or DeviationKind.NOBODY in self.kinds

    @property
    def is_noticeable(self) -> bool:
        """Whether patients who attend the group would notice a difference."""
        return any(kind != DeviationKind.OTHERWISE for kind in self.kinds)


def prefetch_for_deviations(sessions: SessionQuerySet) -> SessionQuerySet:
    """Load everything that `deviation_of` reads. The sessions must have a meeting."""
    return sessions.select_related("site", "room", "meeting").prefetch_related(
        "session_facilitators__user", "meeting__meeting_facilitators"
    )


def deviation_of(session: Session) -> Deviation:
    """Compare a session with its meeting. Reads what `prefetch_for_deviations` loads. The session must have a meeting."""
    meeting, on = session.meeting, session.pattern_date
    assert meeting is not None
    assert on is not None
    if session.status == SessionStatus.CANCELLED:
        return Deviation(session, (DeviationKind.CANCELLED,))
    zone = session.site.zone
    usual_times = at_wall_clock(on, meeting.starts, zone), at_wall_clock(on, meeting.ends, zone)
    people = {(each.user_id, each.part) for each in session.session_facilitators.all()}
    usual_people = {(each.user_id, each.part) for each in meeting.meeting_facilitators.all()}
    differs = {
        DeviationKind.MOVED: (session.starts, session.ends) != usual_times,
        DeviationKind.ANOTHER_ROOM: session.room_id is not None and session.room_id != meeting.room_id,
        DeviationKind.NO_ROOM: session.room_id is None and meeting.room_id is not None,
        DeviationKind.OTHERS: bool(people) and people != usual_people,
        DeviationKind.NOBODY: not people and bool(usual_people),
        DeviationKind.PLACES: session.places != meeting.places,
        DeviationKind.OTHERWISE: bool(session.topic or session.telehealth_link) or session.modality != meeting.modality,
    }
    return Deviation(session, tuple(kind for kind, is_different in differs.items() if is_different))


def track_deviations(track: Track, *, first: date, until: date, now: datetime) -> list[Deviation]:
    """Return the noticeable deviations of the track's future sessions, in order of the sessions' original dates.

    A session is included if its date or its original date is in [first, until).
    """
    in_range = Q(on__gte=first, on__lt=until) | Q(pattern_date__gte=first, pattern_date__lt=until)
    sessions = (
        Session.objects.filter(in_range, meeting__tracks=track).to_come(now).order_by("pattern_date", "starts", "pk")
    )
    found = [deviation_of(session) for session in prefetch_for_deviations(sessions)]
    return [each for each in found if each.is_noticeable]
