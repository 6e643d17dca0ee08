"""Rooms of a site: add them, change them, retire them from a day on, and bring them back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Max

from accounts.audit import record
from accounts.models import Action, User
from scheduling.models import Meeting, Room, Session, SessionStatus, Site
from scheduling.services.administration.codes import free_code
from scheduling.services.administration.versions import refuse_other_version
from scheduling.services.locks import lock_site
from timekeeping.reasons import Reason, Refused, refuse_if_any

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RoomCodeTaken(Reason):
    """Another room of the site has the same code."""

    taken_code: str


@dataclass(frozen=True, slots=True)
class RoomNeedsSpots(Reason):
    """A group or a session in the room has more spots than the room would hold."""

    name: str
    places: int


@dataclass(frozen=True, slots=True)
class RoomInWeeklyUse(Reason):
    """A weekly group without an end date is in the room."""

    room: str
    name: str
    weekday: int


@dataclass(frozen=True, slots=True)
class RoomInUse(Reason):
    """A group or a session is in the room. `last_day` is its last day in the room."""

    room: str
    name: str
    last_day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomValues:
    """The values that a user enters for a room.

    If `code` is empty, an existing room keeps its code, and a new room gets a code that is made from its name.
    """

    name: str
    places: int
    code: str = ""


@transaction.atomic
def add_room(*, site: Site, values: RoomValues, by: User, now: datetime) -> Room:
    """Add a room, and return it. Raises Refused if another room of the site has the same code."""
    lock_site(site.pk)
    room = Room(site=site)
    _write(room, values)
    record(room, by=by, action=Action.CREATED, at=now)
    return room


@transaction.atomic
def change_room(*, room: Room, values: RoomValues, seen: str, by: User, now: datetime) -> Room:
    """Change a room's name, code or capacity, and return the room. `seen` is the version that the user saw.

    Raises Refused if somebody else has changed the room since then, if another room of the site has the same code, or if
    a group or a session to come has more spots than the room would hold.
    """
    room = _lock_room(room)
    refuse_other_version(seen, room)
    if values.places < room.places:
        refuse_if_any(_check_spots(room, values.places, now))
    _write(room, values)
    record(room, by=by, action=Action.CHANGED, at=now, detail=f"{room.name}, holds {room.places}")
    return room


@transaction.atomic
def retire_room(*, room: Room, since: date, by: User, now: datetime) -> Room:
    """Retire a room from the day `since` on, and return the room. Past sessions in the room do not change.

    Raises Refused, with each group and session that still uses the room on that day or later.
    """
    room = _lock_room(room)
    refuse_if_any(room_uses(room, since))
    room.retired_from = since
    room.save(update_fields=["retired_from"])
    record(room, by=by, action=Action.ENDED, at=now, detail=f"from {since:%Y-%m-%d}")
    return room


@transaction.atomic
def bring_back_room(*, room: Room, by: User, now: datetime) -> Room:
    """Bring back a retired room, and return it. Bringing back a room that is in use has no effect."""
    room = _lock_room(room)
    if room.retired_from is not None:
        room.retired_from = None
        room.save(update_fields=["retired_from"])
        record(room, by=by, action=Action.CHANGED, at=now, detail="in use again")
    return room


def room_uses(room: Room, since: date) -> list[Reason]:
    """Return a reason for each weekly group that uses the room on `since` or later.

    Other sessions in the room, such as one-off sessions, have one reason for each name.
    """
    meetings = list(Meeting.objects.filter(room=room).open_on_or_after(since).order_by("weekday", "starts", "pk"))
    uses: list[Reason] = [
        RoomInUse(room.name, each.name, each.last_day)
        if each.last_day
        else RoomInWeeklyUse(room.name, each.name, each.weekday)
        for each in meetings
    ]
    sessions = Session.objects.filter(room=room, on__gte=since).exclude(status=SessionStatus.CANCELLED)
    others = sessions.exclude(meeting__in=meetings).order_by("name").values_list("name").annotate(last=Max("on"))
    return [*uses, *(RoomInUse(room.name, name, last) for name, last in others)]


def _check_spots(room: Room, places: int, now: datetime) -> Iterator[Reason]:
    meetings = Meeting.objects.filter(room=room, places__gt=places).open_on_or_after(room.site.today_at(now))
    sessions = Session.objects.filter(room=room, places__gt=places).exclude(status=SessionStatus.CANCELLED).to_come(now)
    needed: dict[str, int] = {}
    for rows in (meetings, sessions):
        for name, number in rows.order_by("name").values_list("name", "places"):
            needed[name] = max(number, needed.get(name, 0))
    for name, number in needed.items():
        yield RoomNeedsSpots(name, number)


def _lock_room(room: Room) -> Room:
    lock_site(room.site_id)
    return Room.objects.select_related("site").get(pk=room.pk)


def _write(room: Room, values: RoomValues) -> None:
    taken = set(Room.objects.filter(site=room.site_id).exclude(pk=room.pk).values_list("code", flat=True))
    if values.code in taken:
        raise Refused([RoomCodeTaken(values.code)])
    room.name, room.places = values.name, values.places
    room.code = values.code or room.code or free_code(values.name, taken, default="room")
    room.save()
