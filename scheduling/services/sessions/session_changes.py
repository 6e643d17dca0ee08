"""Changes to a single session (time, room, facilitators and details), and one-off sessions.

If a meeting changes, its sessions that were changed by hand stay as they are, unless a user decides otherwise.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F

from accounts.audit import record, record_all
from accounts.models import Action, User
from accounts.permissions import Permission
from iopmanager.stored_reasons import StoredReason
from scheduling.models import (
    Booking,
    FacilitatorPart,
    ReleaseCause,
    ServiceType,
    Session,
    SessionFacilitator,
    Site,
)
from scheduling.services.booking_counts import recount_booked
from scheduling.services.bookings.book import copy_times
from scheduling.services.bookings.release import release_bookings
from scheduling.services.integrity import translate_integrity_errors
from scheduling.services.locks import lock_site
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.services.rulebook import RuleBook
from scheduling.services.session_facilitators import new_facilitator
from scheduling.services.sessions.preconditions import check_changeable, lock_session
from scheduling.services.sessions.slots import (
    Slot,
    apply_slot,
    check_facilitators,
    check_room,
    check_times,
    countable_minutes,
    slot_interval,
    slot_of,
)
from scheduling.services.stale_feeds import mark_calendars_stale, mark_session_feeds_stale
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason, refuse_if_any

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FewerPlacesThanBooked(Reason):
    """The session would have fewer spots than patients booked into it."""

    session: str
    places: int
    booked: int


@dataclass(frozen=True, slots=True)
class LinkNotHttps(Reason):
    """The telehealth link does not begin with https://."""


@dataclass(frozen=True, slots=True)
class LeadsAndAssists(Reason):
    """The same person would lead the session and assist in it."""

    facilitator: str


@dataclass(frozen=True, kw_only=True)
class Staffing:
    """The facilitators of a session: one lead, and assistants."""

    lead: User | None = None
    assistants: tuple[User, ...] = ()

    @property
    def people(self) -> tuple[User, ...]:
        """All facilitators, with the lead first."""
        return self.assistants if self.lead is None else (self.lead, *self.assistants)


@dataclass(frozen=True, kw_only=True)
class OneOffSession:
    """The values of a session without a meeting, as entered by a user."""

    name: str
    slot: Slot
    service_type: ServiceType
    places: int
    modality: str = "in_person"
    topic: str = ""
    telehealth_link: str = ""
    staffing: Staffing = Staffing()


def session_scope(session: Session, slot: Slot | None = None) -> SnapshotScope:
    """Return which sessions and bookings to preview before the session is changed.

    `slot` is the session's new date and time. The preview covers all days between the old date and the new date, both
    inclusive. Without a `slot`, it covers only the session's date. Reads the session's site.
    """
    days = [session.on] if slot is None else [session.on, slot.on]
    return SnapshotScope(session.site, min(days), max(days) + DAY)


def new_session_scope(site: Site, slot: Slot) -> SnapshotScope:
    """Return which sessions and bookings to preview for a new session: those on the date of its slot."""
    return SnapshotScope(site, slot.on, slot.on + DAY)


def _record_for_patients(session: Session, *, action: Action, by: User, now: datetime, detail: str) -> None:
    """Record the change in the audit trail of each patient booked into the session."""
    bookings = Booking.objects.active().filter(session=session).select_related("episode__patient", "session")
    record_all(bookings, by=by, action=action, at=now, detail=detail)


@transaction.atomic
def move_session(*, session: Session, slot: Slot, by: User, now: datetime) -> Session:
    """Move a session to another date, time or room, with its bookings.

    Patients who are in another session at the new time lose their booking.

    Raises Refused if the session has begun or is canceled, if the room is too small, retired or taken, or if a
    facilitator is taken. Also raises Refused if the new time is in the past, skipped by a clock change, on a closed day
    or outside opening hours.

    Users who may not manage the site's timetable can change only the room. Raises PermissionDenied if such a user
    changes the date or the time.
    """
    session = lock_session(session)
    reasons = check_changeable(session, now)
    before = slot_of(session)
    is_moved = (before.on, before.starts, before.ends) != (slot.on, slot.starts, slot.ends)
    if is_moved and not by.may(Permission.MANAGE_TIMETABLE, session.site_id):
        raise PermissionDenied
    if is_moved:
        reasons += check_times(slot, session.site, now)
    refuse_if_any(reasons)
    hours = slot_interval(slot, session.site) if is_moved else Interval(session.starts, session.ends)
    reasons += check_room(slot.room, hours, session.places, session.site, apart_from=session.pk)
    people = [each.user for each in session.session_facilitators.select_related("user")]
    reasons += check_facilitators(people, hours, session.site, apart_from=session.pk)
    refuse_if_any(reasons)
    mark_calendars_stale(session, now)  # the feed of the old room changes too
    book = RuleBook.of(session.site)
    with translate_integrity_errors():
        if is_moved:
            _release_double_booked(session, hours, by, now)
            apply_slot(session, slot, book)
        session.room, session.departed_at, session.version = slot.room, now, F("version") + 1
        session.save()
        copy_times(session, book.week_of(session.on), now)
        recount_booked([session.pk], now)
    detail = f"moved to {slot.on:%Y-%m-%d} {slot.starts:%H:%M}-{slot.ends:%H:%M}, {slot.room or 'no room'}"
    record(session, by=by, action=Action.CHANGED, at=now, detail=detail)
    if is_moved:
        _record_for_patients(session, action=Action.CHANGED, by=by, now=now, detail=f"{session.name}: {detail}")
    mark_calendars_stale(session, now)
    session.refresh_from_db(fields=["version", "booked"])
    return session


def _release_double_booked(session: Session, hours: Interval[datetime], by: User, now: datetime) -> None:
    """Release the session's bookings for patients who are in another session at the new time."""
    booked = Booking.objects.active().filter(session=session)
    others = Booking.objects.active().exclude(session=session).filter(starts__lt=hours.end, ends__gt=hours.start)
    lost = booked.filter(episode__in=others.filter(episode__in=booked.values("episode")).values("episode"))
    rows = list(lost.select_related("episode__patient", "session"))
    reason = StoredReason.OTHER_SESSION
    release_bookings(bookings=lost, cause=ReleaseCause.CLASH, reason=reason, now=now)
    record_all(rows, by=by, action=Action.RELEASED, at=now, detail=str(session), reason=reason)


@transaction.atomic
def assign_staff(*, session: Session, staffing: Staffing, by: User, now: datetime) -> Session:
    """Replace the facilitators of a session.

    Raises Refused if the session has begun or is canceled. Also raises Refused if one of the people is in another
    session at that time, or would both lead and assist.
    """
    session = lock_session(session)
    reasons = check_changeable(session, now)
    reasons += check_facilitators(
        staffing.people, Interval(session.starts, session.ends), session.site, apart_from=session.pk
    )
    if staffing.lead in staffing.assistants:
        reasons.append(LeadsAndAssists(str(staffing.lead)))
    refuse_if_any(reasons)
    mark_session_feeds_stale([session.pk], now)
    with translate_integrity_errors():
        session.session_facilitators.all().delete()
        _assign_facilitators(session, staffing)
        Session.objects.filter(pk=session.pk).update(departed_at=now, version=F("version") + 1)
    mark_session_feeds_stale([session.pk], now)
    names = ", ".join(str(person) for person in staffing.people) or "nobody"
    record(session, by=by, action=Action.CHANGED, at=now, detail=f"led by {names}")
    session.refresh_from_db(fields=["version", "departed_at"])
    return session


def _assign_facilitators(session: Session, staffing: Staffing) -> None:
    rows = []
    if staffing.lead is not None:
        rows.append(new_facilitator(session, user_id=staffing.lead.pk, part=FacilitatorPart.LEADS))
    rows += (new_facilitator(session, user_id=each.pk, part=FacilitatorPart.ASSISTS) for each in staffing.assistants)
    SessionFacilitator.objects.bulk_create(rows)


@transaction.atomic
def change_session_details(
    *, session: Session, places: int, modality: str, topic: str, telehealth_link: str, by: User, now: datetime
) -> Session:
    """Change the number of spots, modality, topic and telehealth link of a session.

    Raises Refused if the session has begun or is canceled, or if the link does not begin with https://. Also raises
    Refused if there would be fewer spots than booked patients, or more spots than the room holds.
    """
    session = lock_session(session)
    reasons = check_changeable(session, now)
    if places < session.booked:
        reasons.append(FewerPlacesThanBooked(session.name, places, session.booked))
    hours = Interval(session.starts, session.ends)
    reasons += check_room(session.room, hours, places, session.site, apart_from=session.pk)
    reasons += _check_link(telehealth_link)
    refuse_if_any(reasons)
    session.places, session.modality, session.topic = places, modality, topic
    session.telehealth_link = telehealth_link
    session.departed_at, session.version = now, F("version") + 1
    session.save(update_fields=["places", "modality", "topic", "telehealth_link", "departed_at", "version"])
    record(session, by=by, action=Action.CHANGED, at=now, detail=f"{places} places, {modality}")
    mark_calendars_stale(session, now)
    session.refresh_from_db(fields=["version"])
    return session


def _check_link(link: str) -> list[Reason]:
    return [LinkNotHttps()] if link and not link.startswith("https://") else []


@transaction.atomic
def add_session(*, site: Site, values: OneOffSession, by: User, now: datetime) -> Session:
    """Add a one-off session. Raises Refused as `move_session` and `change_session_details` do."""
    lock_site(site.pk)
    reasons: list[Reason] = [*check_times(values.slot, site, now), *_check_link(values.telehealth_link)]
    if values.staffing.lead in values.staffing.assistants:
        reasons.append(LeadsAndAssists(str(values.staffing.lead)))
    refuse_if_any(reasons)
    hours = slot_interval(values.slot, site)
    reasons += check_room(values.slot.room, hours, values.places, site)
    reasons += check_facilitators(values.staffing.people, hours, site)
    refuse_if_any(reasons)
    session = Session(
        site=site,
        on=values.slot.on,
        starts=hours.start,
        ends=hours.end,
        service_type=values.service_type,
        room=values.slot.room,
        name=values.name,
        modality=values.modality,
        places=values.places,
        topic=values.topic,
        telehealth_link=values.telehealth_link,
    )
    session.countable_minutes = countable_minutes(session, RuleBook.of(site))
    with translate_integrity_errors():
        session.save(force_insert=True)
        _assign_facilitators(session, values.staffing)
    record(session, by=by, action=Action.CREATED, at=now)
    mark_session_feeds_stale([session.pk], now)
    return session
