"""Page to edit a patient's weekly commitments. Users paint them in a week grid or type them in rows."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from accounts.audit import record
from accounts.models import Action, User
from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from iopmanager import clock
from iopmanager.reader import uses_24_hours
from patients.access import patient_managed_by
from patients.forms.availability.week import WeekFormSet, week_initial
from patients.models import Commitment, Patient
from patients.services.availability.week import SavedWeek, WeekRefused, WeekRow, save_week, weekly_commitments
from scheduling.models import Booking
from scheduling.services.availability.booking_conflicts import booking_conflicts
from scheduling.services.availability.imported_calendars import calendar_busy_on_dates
from scheduling.views.refusals import Saved, show_refusal
from scheduling.views.week_pictures import blocks_of_week
from scheduling.week_picture import TREATMENT

SCRIPT_TEXTS = {
    "grid": gettext_lazy("The week in half hours"),
    "free": gettext_lazy("free"),
    "range": gettext_lazy("{days} {starts} to {ends}"),
    "added": gettext_lazy("{range}: added below."),
    "cleared": gettext_lazy("{commitment} is cleared on {day}."),
    "stretched": gettext_lazy("{range}. Press Enter to finish or Escape to cancel."),
    "started": gettext_lazy("Starts {start}. Now choose where it ends."),
    "started-with-keys": gettext_lazy("Starts {start}. Move to where it ends and press Enter."),
    "held": gettext_lazy("Move to where it ends, and let go."),
    "canceled": gettext_lazy("Nothing is marked."),
    "full": gettext_lazy("There is no room for more rows. Save these first."),
    "am": gettext_lazy("AM"),
    "pm": gettext_lazy("PM"),
}
"""Texts that the grid's script shows. The script replaces the names in braces with values."""


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def commitment_week(request: HttpRequest, patient_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    today = patient.site.today_at(now)
    rows = week_rows(request, patient, today)
    service = partial(save_week, patient=patient, today=today, by=user, now=now)
    if saved := submit_rows(request, rows, lambda typed: service(rows=typed)):
        _add_saved_message(request, patient, saved.value)
        return redirect("patient", patient.pk)
    record(patient, by=user, action=Action.VIEWED, at=now, detail="week of commitments")
    context = {"patient": patient, **week_context(rows, patient, user, today)}
    return render(
        request, "patients/availability/commitment_week.html", context, status=422 if has_errors(rows) else 200
    )


def week_rows(request: HttpRequest, patient: Patient, today: date) -> WeekFormSet:
    """Return the submitted rows. If none were submitted, return one row for each weekly commitment."""
    if request.method == "POST":
        return WeekFormSet(request.POST, prefix="rows")
    return WeekFormSet(prefix="rows", initial=week_initial(weekly_commitments(patient, today)))


def has_errors(rows: WeekFormSet) -> bool:
    return rows.is_bound and (any(form.errors for form in rows.forms) or bool(rows.non_form_errors()))


def submit_rows[T](
    request: HttpRequest, rows: WeekFormSet, service: Callable[[Sequence[WeekRow]], T]
) -> Saved[T] | None:
    """Pass valid submitted rows to the service, and return the service's result.

    Returns None if there was no valid submission. Also returns None if the service refused the rows; each refused row
    then shows its reasons as errors.
    """
    if request.method != "POST" or not rows.is_valid():
        return None
    numbered = rows.numbered_rows()
    try:
        return Saved(service(list(numbered.values())))
    except WeekRefused as refused:
        for position, number in enumerate(numbered):
            if position in refused.rows:
                show_refusal(rows.forms[number], WeekRefused({position: refused.rows[position]}))
        return None


def week_context(
    rows: WeekFormSet, patient: Patient, user: User, today: date, *, discreet: bool = False
) -> Mapping[str, Any]:
    """Build the template context: the rows, and the events of this week that can't be edited in the grid."""
    monday = today - timedelta(days=today.weekday())
    in_rows = {each.pk for each in weekly_commitments(patient, today)}
    others = [each for each in patient.commitments.in_force_from(monday).with_travel() if each.pk not in in_rows]
    bookings = (
        Booking.objects.visible_to(user)
        .active()
        .of_patient(patient.pk)
        .filter(session__on__gte=monday, session__on__lt=monday + timedelta(weeks=1))
        .select_related("session")
    )
    imported = calendar_busy_on_dates([patient.pk], patient.site.zone, monday, monday + timedelta(weeks=1))
    blocks = [
        {
            "day": block.weekday,
            "starts": block.starts,
            "ends": block.ends,
            "label": _("Appointment") if discreet and block.kind == TREATMENT else block.label,
        }
        for block in blocks_of_week(
            site=patient.site, monday=monday, bookings=bookings, commitments=others, busy=imported.get(patient.pk, ())
        )
    ]
    return {
        "rows": rows,
        "others": others,
        "blocks": json.dumps(blocks),
        "texts": SCRIPT_TEXTS,
        "uses_24_hours": uses_24_hours(),
        "monday": monday,
    }


def _add_saved_message(request: HttpRequest, patient: Patient, saved: SavedWeek) -> None:
    """Add a message with the number of changed commitments, and a warning if any of them conflicts with a booking."""
    messages.success(request, " ".join(_saved_sentences(saved)) or _("There was nothing to change."))
    number = _count_clashes(patient, (*saved.added, *saved.changed))
    if number:
        conflicts = ngettext(
            "The week conflicts with %(number)d booked session, listed below.",
            "The week conflicts with %(number)d booked sessions, listed below.",
            number,
        )
        messages.warning(request, conflicts % {"number": number})


def _saved_sentences(saved: SavedWeek) -> Iterable[str]:
    """Yield up to three sentences: how many commitments were added, how many were changed, and how many were ended."""
    if number := len(saved.added):
        text = ngettext("%(number)d commitment added.", "%(number)d commitments added.", number)
        yield text % {"number": number}
    if number := len(saved.changed):
        text = ngettext("%(number)d commitment changed.", "%(number)d commitments changed.", number)
        yield text % {"number": number}
    if number := len(saved.ended):
        text = ngettext("%(number)d commitment ended.", "%(number)d commitments ended.", number)
        yield text % {"number": number}


def _count_clashes(patient: Patient, commitments: Iterable[Commitment]) -> int:
    busy = [each.as_busy_time(site=patient.site) for each in commitments]
    found = booking_conflicts(patient=patient, busy=busy, now=clock.now()) if busy else ()
    return len({conflict.booking.pk for conflict in found})
