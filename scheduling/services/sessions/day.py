"""The sessions at a site on one day, as far as the user may see them. Reading them takes two queries."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from django.db.models import Exists, F, OuterRef

from accounts.models import User
from patients.domain.names import name_order
from patients.models import display_name
from scheduling.models import Booking, FacilitatorPart, Session, SessionStatus, Site


class DayBooking(NamedTuple):
    """A patient booked into a session. `mark` is the attendance status, or None until it is recorded."""

    patient_id: int
    name: str
    mark: str | None


class Phase(StrEnum):
    """The phase of a session, which depends on the current time. `SessionStatus` does not depend on the time."""

    TO_COME = "to_come"
    RUNNING = "running"
    OVER = "over"


class DayAction(StrEnum):
    """The most useful step that a user can take with a session of the day."""

    OPEN = "open"
    FIND_SUBSTITUTE = "find_substitute"
    TAKE_ATTENDANCE = "take_attendance"
    FINALIZE = "finalize"


class DaySession(NamedTuple):
    """A session on the day, and what the user may do with it.

    `lines` has the session's bookings, but is empty if the user may not see the roster.
    """

    pk: int
    name: str
    starts: datetime
    ends: datetime
    status: str
    finalized: bool
    booked: int
    places: int
    cancel_reason: str
    room: str
    facilitators: tuple[str, ...]
    has_leader: bool
    phase: Phase
    sees_roster: bool
    may_mark: bool
    may_finalize: bool
    may_change: bool
    lines: tuple[DayBooking, ...]

    @property
    def unmarked(self) -> int:
        """Number of bookings without a mark."""
        return sum(line.mark is None for line in self.lines)

    @property
    def state(self) -> str:
        """The session's state, as its badge shows it."""
        if self.status == SessionStatus.CANCELLED:
            return "cancelled"
        if self.finalized:
            return "finalized"
        if self.phase == Phase.TO_COME:
            return "scheduled" if self.has_leader else "no_leader"
        if self.phase == Phase.RUNNING:
            return "in_progress"
        return "not_finalized" if self.booked else "over"

    @property
    def action(self) -> DayAction | None:
        """The most useful step, or None if the user can do nothing with the session."""
        is_open = self.status != SessionStatus.CANCELLED and not self.finalized
        if is_open and self.phase == Phase.TO_COME and self.may_change and not self.has_leader:
            return DayAction.FIND_SUBSTITUTE
        if not self.sees_roster:
            return None
        if is_open and self.phase != Phase.TO_COME and self.may_mark and self.unmarked:
            return DayAction.TAKE_ATTENDANCE
        if is_open and self.phase == Phase.OVER and self.may_finalize and self.lines and not self.unmarked:
            return DayAction.FINALIZE
        return DayAction.OPEN


class NextSession(NamedTuple):
    """The first session after a day without sessions."""

    on: date
    starts: datetime
    name: str


COLUMNS = (
    "pk", "name", "starts", "ends", "status", "finalized_at", "booked", "places", "cancel_reason", "sees_roster",
    "may_mark", "may_finalize", "may_change", "room_name", "facilitator", "part",
)  # fmt: skip


def sessions_on_day(*, site: Site, on: date, user: User, now: datetime) -> tuple[DaySession, ...]:
    """Return the site's sessions on the date, ordered by start time, without sessions that the user may not see."""
    sessions = Session.objects
    policies = {
        "sees_roster": sessions.with_roster_of(user),
        "may_mark": sessions.markable_by(user),
        "may_finalize": sessions.finalizable_by(user),
        "may_change": sessions.changeable_by(user),
    }
    rows = (
        Session.objects.visible_to(user)
        .filter(site=site, on=on)
        .without_withdrawn()
        .annotate(
            **{name: Exists(allowed.filter(pk=OuterRef("pk"))) for name, allowed in policies.items()},
            room_name=F("room__name"),
            facilitator=F("session_facilitators__user__name"),
            part=F("session_facilitators__part"),
        )
        .order_by("starts", "name", "pk", "-session_facilitators__part", "facilitator")
        .values_list(*COLUMNS, named=True)
    )
    # The query returns one row for each facilitator of a session.
    by_session = [tuple(group) for _, group in groupby(rows, key=attrgetter("pk"))]
    lines = _day_bookings([first.pk for (first, *_) in by_session if first.sees_roster])
    return tuple(
        DaySession(
            pk=first.pk,
            name=first.name,
            starts=first.starts,
            ends=first.ends,
            status=first.status,
            finalized=first.finalized_at is not None,
            booked=first.booked,
            places=first.places,
            cancel_reason=first.cancel_reason,
            room=first.room_name or "",
            facilitators=tuple(row.facilitator for row in (first, *others) if row.facilitator is not None),
            has_leader=first.part == FacilitatorPart.LEADS,  # the leader comes first
            phase=_phase(first.starts, first.ends, now),
            sees_roster=first.sees_roster,
            may_mark=first.may_mark,
            may_finalize=first.may_finalize,
            may_change=first.may_change,
            lines=tuple(lines[first.pk]),
        )
        for (first, *others) in by_session
    )


def next_session(*, site: Site, after: date, user: User) -> NextSession | None:
    """Return the site's first session after the date, or None.

    Canceled sessions, and sessions that the user may not see, are skipped.
    """
    found = Session.objects.visible_to(user).filter(site=site, on__gt=after).exclude(status=SessionStatus.CANCELLED)
    row = found.order_by("on", "starts", "name", "pk").values_list("on", "starts", "name").first()
    return NextSession(*row) if row else None


def _phase(starts: datetime, ends: datetime, now: datetime) -> Phase:
    if starts > now:
        return Phase.TO_COME
    return Phase.RUNNING if ends > now else Phase.OVER


def _day_bookings(session_ids: Sequence[int]) -> defaultdict[int, list[DayBooking]]:
    """Map session id to its active bookings, ordered by patient name."""
    found: defaultdict[int, list[DayBooking]] = defaultdict(list)
    rows = (
        Booking.objects.active()
        .filter(session__in=session_ids)
        .order_by("pk")
        .values_list(
            "session_id",
            "episode__patient_id",
            "episode__patient__first_name",
            "episode__patient__last_name",
            "episode__patient__preferred_name",
            "attendance__status",
        )
    )
    for session_id, patient_id, first_name, last_name, preferred_name, mark in sorted(
        rows, key=lambda row: name_order(row[3], row[2])
    ):
        found[session_id].append(DayBooking(patient_id, display_name(first_name, last_name, preferred_name), mark))
    return found
