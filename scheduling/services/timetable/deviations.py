"""How sessions differ from what their meetings say of their dates: what was decided, and what is lacking."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.db.models import Q

from scheduling.models import Session, SessionStatus, Track
from scheduling.models.session import SessionQuerySet
from timekeeping.occurrences import at_wall_clock


class DeviationKind(StrEnum):
    """One way in which a session is not as its meeting says."""

    CANCELLED = "cancelled"
    MOVED = "moved"
    ANOTHER_ROOM = "another_room"
    NO_ROOM = "no_room"
    OTHERS = "others"
    """Somebody else leads or assists."""
    NOBODY = "nobody"
    PLACES = "places"
    OTHERWISE = "otherwise"
    """Its topic, its link, or whether one comes in person."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """All that is different about a session. Nothing at all: it was changed and changed back."""

    session: Session
    kinds: tuple[DeviationKind, ...] = ()

    @property
    def is_incomplete(self) -> bool:
        return DeviationKind.NO_ROOM in self.kinds or DeviationKind.NOBODY in self.kinds

    @property
    def is_noticeable(self) -> bool:
        """Whether somebody who knows the group and comes to it would notice."""
        return any(kind != DeviationKind.OTHERWISE for kind in self.kinds)


def prefetch_for_deviations(sessions: SessionQuerySet) -> SessionQuerySet:
    """Sessions of meetings with all that `departure_of` reads."""
    return sessions.select_related("site", "room", "meeting").prefetch_related(
        "session_facilitators__user", "meeting__meeting_facilitators"
    )


def deviation_of(session: Session) -> Deviation:
    """Reads prefetched meeting and facilitators; the session must have a meeting."""
    meeting, on = session.meeting, session.pattern_date
    assert meeting is not None
    assert on is not None
    if session.status == SessionStatus.CANCELLED:
        return Deviation(session, (DeviationKind.CANCELLED,))
    zone = session.site.zone
    usual = at_wall_clock(on, meeting.starts, zone), at_wall_clock(on, meeting.ends, zone)
    own = {(each.user_id, each.part) for each in session.session_facilitators.all()}
    meetings = {(each.user_id, each.part) for each in meeting.meeting_facilitators.all()}
    found = {
        DeviationKind.MOVED: (session.starts, session.ends) != usual,
        DeviationKind.ANOTHER_ROOM: session.room_id is not None and session.room_id != meeting.room_id,
        DeviationKind.NO_ROOM: session.room_id is None and meeting.room_id is not None,
        DeviationKind.OTHERS: bool(own) and own != meetings,
        DeviationKind.NOBODY: not own and bool(meetings),
        DeviationKind.PLACES: session.places != meeting.places,
        DeviationKind.OTHERWISE: bool(session.topic or session.telehealth_link) or session.modality != meeting.modality,
    }
    return Deviation(session, tuple(kind for kind, is_so in found.items() if is_so))


def track_deviations(track: Track, *, first: date, until: date, now: datetime) -> list[Deviation]:
    """What is not as usual in the track's sessions to come that are held, or should be, on the half-open dates."""
    held = Q(on__gte=first, on__lt=until) | Q(pattern_date__gte=first, pattern_date__lt=until)
    sessions = Session.objects.filter(held, meeting__tracks=track).to_come(now).order_by("pattern_date", "starts", "pk")
    found = [deviation_of(session) for session in prefetch_for_deviations(sessions)]
    return [each for each in found if each.is_noticeable]
