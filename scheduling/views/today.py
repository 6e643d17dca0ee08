"""The site's day: its sessions, who is in them, and what needs attention."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Count, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.audit import record_all
from accounts.models import Action
from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from attendance.ledgers import ledgers_at, needs_attention
from iopmanager import clock
from iopmanager.days import read_day
from patients.models import Episode, Patient
from scheduling.models import Booking, Session
from scheduling.services.rules import RuleBook
from scheduling.views.current import current_site

UNFINISHED_DAYS = 14


@staff_required(Permission.SEE_TIMETABLE)
@require_safe
@transaction.atomic
def today(request: HttpRequest) -> HttpResponse:
    """`?date=` shows another day; nonsense means today."""
    user, site, now = signed_in(request), current_site(request), clock.now()
    present = now.astimezone(site.zone).date()
    day = read_day(request.GET.get("date", "")) or present
    sees_rosters = Session.objects.with_roster_of(user).filter(site=site)
    standing = Booking.objects.standing().select_related("episode__patient", "attendance")
    rosters = Prefetch("bookings", standing.filter(session__in=sees_rosters.values("pk")), to_attr="roster")
    sessions = list(
        Session.objects.visible_to(user)
        .filter(site=site, on=day)
        .select_related("room", "service_type")
        .prefetch_related("session_facilitators__user", rosters)
    )
    mine = set(sees_rosters.filter(on=day).values_list("pk", flat=True))
    unfinished = sees_rosters.between(present - timedelta(days=UNFINISHED_DAYS), present + timedelta(days=1)).annotate(
        unmarked=Count("bookings", filter=Q(bookings__released_at=None, bookings__attendance=None))
    )
    rows = []
    if user.may(Permission.SEE_HOURS, site.pk):
        seen = Patient.objects.visible_to(user)
        episodes = Episode.objects.filter(site=site, patient__in=seen).open_on(present).select_related("patient")
        rows = ledgers_at(
            site=site, week=RuleBook.of(site).week_of(present), now=now, episodes=episodes.prefetch_related("spans")
        )
    attention = needs_attention(site=site, now=now, rows=rows, sessions=unfinished)
    people = {booking.episode.patient for session in sessions for booking in session.roster}
    people |= {row.patient for row in attention.weeks}
    record_all(sorted(people, key=lambda each: each.pk), by=user, action=Action.VIEWED, at=now, detail="today")
    context = {
        "site": site,
        "day": day,
        "is_today": day == present,
        "previous": day - timedelta(days=1),
        "following": day + timedelta(days=1),
        "sessions": sessions,
        "mine": mine,
        "attention": attention,
    }
    return render(request, "scheduling/today.html", context)
