"""The sessions of one day that a user may see at a site, read in two queries for any number of bookings."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from django.db.models import Exists, F, OuterRef

from accounts.models import User
from patients.models import display_name
from scheduling.models import Booking, Session, Site


class DayBooking(NamedTuple):
    """A patient booked into a session. `mark` is the attendance status, or None until it is recorded."""

    patient_id: int
    name: str
    mark: str | None


class DaySession(NamedTuple):
    """A session on the day. `lines` has its bookings, but is empty if the user may not see the roster."""

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
    sees_roster: bool
    lines: tuple[DayBooking, ...]


COLUMNS = (
    "pk", "name", "starts", "ends", "status", "finalized_at", "booked", "places", "cancel_reason", "sees_roster",
    "room_name", "facilitator",
)  # fmt: skip


def sessions_on_day(*, site: Site, on: date, user: User) -> tuple[DaySession, ...]:
    """Return the site's sessions on the date that the user may see, ordered by start time."""
    with_roster = Session.objects.with_roster_of(user).filter(pk=OuterRef("pk"))
    rows = (
        Session.objects.visible_to(user)
        .filter(site=site, on=on)
        .without_withdrawn()
        .annotate(
            sees_roster=Exists(with_roster),
            room_name=F("room__name"),
            facilitator=F("session_facilitators__user__name"),
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
            sees_roster=first.sees_roster,
            lines=tuple(lines[first.pk]),
        )
        for (first, *others) in by_session
    )


def _day_bookings(session_ids: Sequence[int]) -> defaultdict[int, list[DayBooking]]:
    """Map session id to its active bookings, ordered by patient name."""
    found: defaultdict[int, list[DayBooking]] = defaultdict(list)
    rows = (
        Booking.objects.active()
        .filter(session__in=session_ids)
        .order_by("episode__patient__last_name", "episode__patient__first_name", "pk")
        .values_list(
            "session_id",
            "episode__patient_id",
            "episode__patient__first_name",
            "episode__patient__last_name",
            "episode__patient__preferred_name",
            "attendance__status",
        )
    )
    for session_id, patient_id, first_name, last_name, preferred_name, mark in rows:
        found[session_id].append(DayBooking(patient_id, display_name(first_name, last_name, preferred_name), mark))
    return found
