"""The staff calendar of a site's dated sessions. It shows no patients."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import Permission
from scheduling.domain.track_marks import TrackLabel, marks_for
from scheduling.models import Closure, FacilitatorPart, Modality, Session, SessionStatus, Site, Track, TrackStatus
from scheduling.models.session import SessionQuerySet
from timekeeping.clock_changes import ClockChange, clock_changes
from timekeeping.intervals import Interval


@dataclass(frozen=True, slots=True)
class MarkedTrack:
    """A track, with the letter and color that identify its sessions on the calendar."""

    track: Track
    mark: TrackLabel


def marked_tracks(site: Site) -> tuple[MarkedTrack, ...]:
    """Return every track of the site with its letter and color. Runs one query.

    The tracks are in order of creation, so that a track keeps its letter and color when others are added.
    """
    tracks = Track.objects.filter(site=site).order_by("pk")
    return tuple(map(MarkedTrack, tracks, marks_for([track.name for track in tracks])))


def legend(marked: Iterable[MarkedTrack]) -> list[MarkedTrack]:
    """Return the tracks for the legend, sorted by name, retired tracks last. Skip drafts, which have no sessions."""
    shown = (each for each in marked if each.track.status != TrackStatus.DRAFT)
    return sorted(shown, key=lambda each: (each.track.status == TrackStatus.RETIRED, each.track.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSession:
    """A session on the calendar. `starts` and `ends` are in the site's local time, without a time zone."""

    session: Session
    starts: datetime
    ends: datetime
    tracks: tuple[MarkedTrack, ...]
    leads: str
    assists: tuple[str, ...]
    movable: bool

    @property
    def is_cancelled(self) -> bool:
        """Whether the session is canceled."""
        return self.session.status == SessionStatus.CANCELLED

    @property
    def where(self) -> str:
        """The name of the room, "Telehealth", or "No room"."""
        if self.session.room:
            return self.session.room.name
        return _("Telehealth") if self.session.modality == Modality.TELEHEALTH else _("No room")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardDay:
    """One day of the calendar: its sessions, closures and clock change."""

    on: date
    closures: tuple[Closure, ...]
    clock_change: ClockChange | None
    entries: tuple[BoardSession, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the day has no sessions, closures or clock change to show."""
        return not (self.closures or self.clock_change or self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The calendar of a site for the dates in `span`, whose end is exclusive."""

    span: Interval[date]
    entries: Sequence[BoardSession]
    closures: Sequence[Closure]
    clock_changes: Sequence[ClockChange]

    def days(self) -> list[BoardDay]:
        """Return every day of the span, including days without sessions."""
        changes = {change.on: change for change in self.clock_changes}
        return [
            BoardDay(
                on=on,
                closures=tuple(each for each in self.closures if each.as_interval().contains(on)),
                clock_change=changes.get(on),
                entries=tuple(each for each in self.entries if each.starts.date() == on),
            )
            for on in (
                self.span.start + timedelta(days=number) for number in range((self.span.end - self.span.start).days)
            )
        ]


def read_board(
    *,
    site: Site,
    span: Interval[date],
    sessions: SessionQuerySet,
    marked: Sequence[MarkedTrack],
    by: User,
    now: datetime,
) -> Board:
    """Read the site's calendar for the dates in `span`, whose end is exclusive.

    `sessions` are the sessions that `by` may see and that match the filters. `marked` has the site's tracks, each with
    its letter and color.
    """
    found = (
        sessions.filter(site=site)
        .between(span.start, span.end)
        .without_withdrawn()
        .select_related("room", "meeting")
        .prefetch_related("meeting__tracks", "session_facilitators__user")
        .order_by("starts", "name", "pk")
    )
    may_move = by.may(Permission.MANAGE_TIMETABLE, site.pk)
    return Board(
        span=span,
        entries=[_board_entry(session, site=site, marked=marked, may_move=may_move, now=now) for session in found],
        closures=list(Closure.objects.visible_to(by).filter(site=site).overlapping(span.start, span.end)),
        clock_changes=list(clock_changes(site.zone, span.start, span.end)),
    )


def _board_entry(
    session: Session, *, site: Site, marked: Sequence[MarkedTrack], may_move: bool, now: datetime
) -> BoardSession:
    starts, ends = (moment.astimezone(site.zone).replace(tzinfo=None) for moment in (session.starts, session.ends))
    if ends <= starts:  # the clocks go back during the session
        ends = starts + (session.ends - session.starts)
    track_ids = {track.pk for track in session.meeting.tracks.all()} if session.meeting else set()
    people = list(session.session_facilitators.all())
    return BoardSession(
        session=session,
        starts=starts,
        ends=ends,
        tracks=tuple(each for each in marked if each.track.pk in track_ids),
        leads=next((each.user.name for each in people if each.part == FacilitatorPart.LEADS), ""),
        assists=tuple(each.user.name for each in people if each.part == FacilitatorPart.ASSISTS),
        movable=may_move and session.status == SessionStatus.SCHEDULED and session.starts > now,
    )
