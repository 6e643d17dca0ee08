"""A place in another session, to make up for one that was missed."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Episode
from scheduling.models import Booking, LeaveOfAbsence, Session, SessionStatus
from scheduling.services.absences import AwayThen
from scheduling.services.reasons import AlreadyMadeUp, InAnotherSession, NoPlaceLeft, NotBookable, Refused
from scheduling.services.rosters import hold_site, mark_stale_of_episodes, mark_stale_of_sessions, new_booking
from scheduling.services.rulebook import RuleBook
from timekeeping.reasons import Reason


@transaction.atomic
def book_make_up(*, session: Session, makes_up: Booking, by: User, now: datetime) -> Booking:
    """Books the patient of `makes_up` into `session`, linked to what it makes up.

    Raises Refused when the session is over, cancelled, full, after discharge, at another site or counts for nothing, when
    the patient is in another at the time or on leave on the day, or when `makes_up` has been made up already.
    """
    hold_site(session.site_id)
    episode = Episode.objects.select_for_update(no_key=True).get(pk=makes_up.episode_id)
    session = Session.objects.select_for_update(of=("self",), no_key=True).select_related("site").get(pk=session.pk)
    reasons: list[Reason] = []
    over = session.status != SessionStatus.SCHEDULED or session.starts <= now
    discharged = episode.ends is not None and episode.ends <= session.on
    if over or discharged or session.site_id != episode.site_id or not session.countable_minutes:
        reasons.append(NotBookable(session.name, session.on))
    elsewhere = (
        Booking.objects.standing()
        .filter(episode=makes_up.episode_id, starts__lt=session.ends, ends__gt=session.starts)
        .select_related("session")
    )
    reasons += (InAnotherSession(booking.session.name, booking.session.on) for booking in elsewhere)
    if LeaveOfAbsence.objects.filter(episode=episode).touching(session.on, session.on + timedelta(days=1)).exists():
        reasons.append(AwayThen(session.on))
    if makes_up.made_up_by.standing().exists():
        reasons.append(AlreadyMadeUp(makes_up.session.name, makes_up.session.on))
    if session.places_left <= 0:
        reasons.append(NoPlaceLeft(session.name, session.on))
    if reasons:
        raise Refused(reasons)
    Session.objects.filter(pk=session.pk).update(booked=F("booked") + 1, version=F("version") + 1)
    booking = new_booking(
        session,
        episode_id=makes_up.episode_id,
        enrollment_id=None,
        week=RuleBook.of(session.site).week_of(session.on),
        makes_up=makes_up,
    )
    booking.save(force_insert=True)
    record(booking, by=by, action=Action.BOOKED, at=now, detail=f"makes up {makes_up.session}")
    mark_stale_of_episodes([episode.pk], now)
    mark_stale_of_sessions([session.pk], now)
    return booking
