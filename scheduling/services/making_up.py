"""A place in another session, to make up for one that was missed."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Episode
from scheduling.domain.reasons import Reason
from scheduling.models import Booking, Session, SessionStatus
from scheduling.services.horizon import mark_stale_of_episodes, new_booking
from scheduling.services.refused import AlreadyMadeUp, InAnotherSession, NoPlaceLeft, NotBookable, Refused
from scheduling.services.rules import RuleBook


@transaction.atomic
def book_make_up(*, session: Session, makes_up: Booking, by: User, now: datetime) -> Booking:
    """Books the patient of `makes_up` into `session`, linked to what it makes up.

    Raises Refused when the session is over, cancelled, full or counts for nothing, when the patient is elsewhere at the time,
    or when `makes_up` has been made up already.
    """
    Episode.objects.select_for_update().get(pk=makes_up.episode_id)
    session = Session.objects.select_related("site").get(pk=session.pk)
    reasons: list[Reason] = []
    if session.status != SessionStatus.SCHEDULED or session.starts <= now or not session.countable_minutes:
        reasons.append(NotBookable(session.name, session.on))
    elsewhere = (
        Booking.objects.standing()
        .filter(episode=makes_up.episode_id, starts__lt=session.ends, ends__gt=session.starts)
        .select_related("session")
    )
    reasons += (InAnotherSession(booking.session.name, booking.session.on) for booking in elsewhere)
    if makes_up.made_up_by.standing().exists():
        reasons.append(AlreadyMadeUp(makes_up.session.name, makes_up.session.on))
    if reasons:
        raise Refused(reasons)
    free = Session.objects.filter(pk=session.pk, booked__lt=F("places"))
    if not free.update(booked=F("booked") + 1, version=F("version") + 1):
        raise Refused([NoPlaceLeft(session.name, session.on)])
    booking = new_booking(
        session,
        episode_id=makes_up.episode_id,
        enrollment_id=None,
        week=RuleBook.of(session.site).week_of(session.on),
        makes_up=makes_up,
    )
    booking.save(force_insert=True)
    record(booking, by=by, action=Action.BOOKED, at=now, detail=f"makes up {makes_up.session}")
    mark_stale_of_episodes([makes_up.episode_id], now)
    return booking
