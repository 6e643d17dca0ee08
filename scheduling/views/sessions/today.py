"""One day of a site: its sessions with their rosters and, loaded separately, what needs attention."""

from datetime import date, timedelta
from typing import NamedTuple

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from attendance.services.attention import find_attention
from iopmanager import clock
from iopmanager.form_fields import parse_day
from patients.models import CommitmentProposal
from scheduling.models import Site
from scheduling.services.sessions.day import next_session, sessions_on_day
from scheduling.views.audited_cache import audited_response
from scheduling.views.current_site import current_site


@staff_required(Permission.SEE_TIMETABLE)
@require_safe
@transaction.atomic
def today(request: HttpRequest) -> HttpResponse:
    """Show the sessions of the day in `?date=`. The default is today."""
    user, site, now = signed_in(request), current_site(request), clock.now()
    present = site.today_at(now)
    day = parse_day(request.GET.get("date", "")) or present
    sessions = sessions_on_day(site=site, on=day, user=user, now=now)
    context = {
        "zone": site.zone,
        "day": day,
        "present": present,
        "previous": day - timedelta(days=1),
        "following": day + timedelta(days=1),
        "sessions": sessions,
        "next": None if sessions else next_session(site=site, after=day, user=user),
        "sees_hours": user.may(Permission.SEE_HOURS, site.pk),
    }
    people = {line.patient_id: line.name for session in sessions for line in session.lines}
    return audited_response(
        request,
        "scheduling/sessions/today.html",
        context,
        people=people,
        site=site,
        at=now,
        detail="today" if day == present else f"day of {day:%Y-%m-%d}",
    )


class WeekAtRisk(NamedTuple):
    """A patient's week with the standing “at risk” or “can't be met”, and the minutes and days to make up."""

    patient_id: int
    name: str
    week: date
    standing: str
    makeup_minutes: int
    makeup_days: int


class UnfinishedSession(NamedTuple):
    """A session that has ended but has not been finalized."""

    pk: int
    name: str
    on: date
    unmarked: int
    may_mark: bool


class RequestedChange(NamedTuple):
    """A patient's proposal to change their own commitments. It waits for a coordinator's decision."""

    pk: int
    patient_id: int
    name: str
    label: str
    on: date


@staff_required(Permission.SEE_HOURS)
@require_safe
@transaction.atomic
def today_attention(request: HttpRequest) -> HttpResponse:
    """Show what needs attention now, as a page of its own or, with `?part=1`, as the part that the day page loads.

    This part is loaded separately because computing all open weeks takes longer than the rest of the page.
    """
    user, site, now = signed_in(request), current_site(request), clock.now()
    forbid_unless(user.may(Permission.SEE_HOURS, site.pk))
    attention = find_attention(site=site, user=user, now=now)
    weeks = [
        WeekAtRisk(
            row.patient.pk,
            str(row.patient),
            row.week,
            row.ledger.standing,
            row.ledger.makeup_minutes,
            row.ledger.makeup_days,
        )
        for row in attention.weeks
    ]
    sessions = [
        UnfinishedSession(
            session.pk, session.name, session.on, vars(session)["unmarked"], may_mark=vars(session)["may_mark"]
        )
        for session in attention.sessions
    ]
    proposals = _requested_changes(user, site)
    part = "part" in request.GET
    return audited_response(
        request,
        "scheduling/sessions/_today_attention.html" if part else "scheduling/sessions/today_attention.html",
        {
            "weeks": weeks,
            "may_book": user.may(Permission.MANAGE_PATIENTS, site.pk),
            "sessions": sessions,
            "asked": proposals,
            "present": site.today_at(now),
        },
        people={week.patient_id: week.name for week in weeks} | {each.patient_id: each.name for each in proposals},
        site=site,
        at=now,
        detail="needs attention",
        framed=not part,
    )


def _requested_changes(user: User, site: Site) -> list[RequestedChange]:
    """Return the undecided proposals, oldest first, or none if the user may not decide them."""
    if not user.may(Permission.MANAGE_PATIENTS, site.pk):
        return []
    waiting = CommitmentProposal.objects.visible_to(user).waiting().filter(patient__site=site).select_related("patient")
    return [
        RequestedChange(
            each.pk, each.patient_id, str(each.patient), each.label, each.proposed_at.astimezone(site.zone).date()
        )
        for each in waiting.order_by("proposed_at", "pk")
    ]
