"""Pages for treatment weeks: the weeks of all patients, one patient's week, and the booking of make-up sessions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.audit import record, record_all
from accounts.models import Action
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from attendance.domain.ledger import Standing
from attendance.forms import MakeupForm
from attendance.services.ledgers import LedgerRow, site_ledgers
from attendance.services.missed_sessions import missed_bookings
from attendance.services.weeks import WeekReport, week_report
from iopmanager import clock
from iopmanager.form_fields import parse_day
from patients.access import patient_managed_by, patient_seen_by
from patients.models import Episode
from scheduling.models import Session, Site
from scheduling.services.bookings.makeups import book_makeup
from scheduling.services.rulebook import RuleBook
from scheduling.views.current_site import current_site
from scheduling.views.refusals import submit_button
from timekeeping.intervals import Interval

PAGE_SIZE = 50
MOST_URGENT_FIRST = (
    Standing.CANNOT_BE_MET,
    Standing.AT_RISK,
    Standing.SHORT,
    Standing.PARTIAL,
    Standing.ON_PACE,
    Standing.MET,
)


@dataclass(frozen=True, slots=True)
class SortOrder:
    """A link that sorts the list of weeks. `value` is what the link passes in `?sort=`.

    If the list is already sorted in this way, the link reverses the order.
    """

    name: str
    value: str
    is_current: bool
    is_reversed: bool


@staff_required(Permission.SEE_HOURS)
@require_safe
@transaction.atomic
def weeks(request: HttpRequest) -> HttpResponse:
    """List every patient's week. `?week=` is any date in the week (default: today).

    `?standing=` shows only weeks with this standing. `?sort=` is the order: `name`, `standing` (the most urgent first) or
    `makeup` (the most minutes to make up first). A minus sign before the word reverses the order.
    """
    user, site, now = signed_in(request), current_site(request), clock.now()
    forbid_unless(user.may(Permission.SEE_HOURS, site.pk))
    week = _requested_week(request.GET.get("week", ""), site, now)
    episodes = (
        Episode.objects.visible_to(user)
        .at(site, week.start, week.end)
        .select_related("patient")
        .prefetch_related("spans")
        .order_by("patient__last_name", "patient__first_name", "pk")
    )
    rows = site_ledgers(site=site, week=week.start, now=now, episodes=episodes)
    counts = Counter(row.ledger.standing for row in rows)
    requested = request.GET.get("standing", "")
    standing = Standing(requested) if requested in set(Standing) else None
    sort = _requested_sort(request.GET.get("sort", ""))
    shown_rows = _sort_rows([row for row in rows if standing in (None, row.ledger.standing)], sort)
    page = Paginator(shown_rows, PAGE_SIZE).get_page(request.GET.get("page"))
    shown = [row.patient for row in page]
    record_all(shown, by=user, action=Action.VIEWED, at=now, detail=f"week of {week.start:%Y-%m-%d}")
    context = {
        "site": site,
        "week": week,
        "last_day": week.end - timedelta(days=1),
        "previous": week.start - timedelta(days=1),
        "is_this_week": week.contains(site.today_at(now)),
        "page": page,
        "standing": standing,
        "sort_orders": _sort_orders(sort),
        "counts": [(each, counts[each]) for each in Standing if counts[each] or each == standing],
        "total": len(rows),
    }
    return render(request, "attendance/weeks/weeks.html", context)


def _requested_sort(text: str) -> str:
    return text if text.removeprefix("-") in {"name", "standing", "makeup"} else "name"


def _sort_rows(rows: Sequence[LedgerRow], sort: str) -> Sequence[LedgerRow]:
    """Sort the rows by `sort` and then by name. A minus sign in `sort` reverses both orders.

    The given rows must already be sorted by name.
    """
    places = {row.episode.pk: place for place, row in enumerate(rows)}

    def key(row: LedgerRow) -> tuple[int, ...]:
        place, ledger = places[row.episode.pk], row.ledger
        if sort.endswith("standing"):
            return MOST_URGENT_FIRST.index(ledger.standing), place
        if sort.endswith("makeup"):
            return -ledger.makeup_minutes, -ledger.makeup_days, place
        return (place,)

    return sorted(rows, key=key, reverse=sort.startswith("-"))


def _sort_orders(sort: str) -> list[SortOrder]:
    names = {"name": _("Name"), "standing": _("Standing"), "makeup": _("To make up")}
    current, is_reversed = sort.removeprefix("-"), sort.startswith("-")
    return [
        SortOrder(
            name=name,
            value=f"-{value}" if value == current and not is_reversed else value,
            is_current=value == current,
            is_reversed=value == current and is_reversed,
        )
        for value, name in names.items()
    ]


def _requested_week(text: str, site: Site, now: datetime) -> Interval[date]:
    today = site.today_at(now)
    return RuleBook.of(site).week_around(parse_day(text) or today)


@staff_required(Permission.SEE_HOURS)
@require_safe
@transaction.atomic
def patient_week(request: HttpRequest, patient_id: int, day: date) -> HttpResponse:
    """Show the patient's week that contains the day: bookings, missing hours, and possible make-up sessions."""
    user, now = signed_in(request), clock.now()
    patient = patient_seen_by(user, patient_id)
    forbid_unless(user.may(Permission.SEE_HOURS, patient.site_id))
    found = week_report(patient=patient, day=day, now=now)
    record(patient, by=user, action=Action.VIEWED, at=now, detail=f"week of {found.week.start:%Y-%m-%d}")
    context = {
        "patient": patient,
        "site": found.site,
        "found": found,
        "ledger": found.row.ledger if found.row else None,
        "may_book": user.may(Permission.MANAGE_PATIENTS, patient.site_id),
        "now": now,
        "is_this_week": found.week.contains(found.site.today_at(now)),
    }
    return render(request, "attendance/weeks/patient_week.html", context)


@staff_required(Permission.MANAGE_PATIENTS)
@require_POST
def makeup_book(request: HttpRequest, patient_id: int, day: date) -> HttpResponse:
    """Book the chosen session of the week to make up for a missed session."""
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    found = week_report(patient=patient, day=day, now=now)
    form = MakeupForm(request.POST, sessions=_sessions_of_week(found), missed=missed_bookings(patient, found.week))
    if form.is_valid():
        submit_button(
            request,
            lambda: book_makeup(**form.cleaned_data, by=user, now=now),
            lambda booking: (
                _("%(name)s is booked into %(session)s as a make-up session.")
                % {"name": patient.short_name, "session": booking.session.name}
            ),
        )
    else:
        messages.error(request, _("Choose one of the sessions shown and the missed session that it makes up for."))
    return redirect("patient-week", patient_id, day)


def _sessions_of_week(found: WeekReport) -> QuerySet[Session]:
    """Return the site's sessions in the week, including full ones. The service refuses a session that is full."""
    return Session.objects.filter(site=found.site).between(found.week.start, found.week.end)
