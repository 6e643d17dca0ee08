"""Arrange the individual sessions of an enrollment, or move them to other hours from a given day on."""

from collections.abc import Sequence
from datetime import date

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.audit import record
from accounts.models import Action
from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from iopmanager import clock
from scheduling.formats import day
from scheduling.forms.enrollment.individual import IndividualSessionsForm
from scheduling.models import Enrollment
from scheduling.services.enrollment.individual import individual_sessions_of
from scheduling.services.enrollment.individual_change import arrange_individual_sessions, individual_session_options
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.views.enrollment.change import enrollment_managed_by
from scheduling.views.enrollment.individual_times import time_choices
from scheduling.views.enrollment.meeting_options import requested_start
from scheduling.views.preview.confirmation import Submission, submit_with_preview
from scheduling.views.refusals import show_field_reasons
from timekeeping.reasons import Reason, Refused


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def individual_sessions(request: HttpRequest, enrollment_id: int) -> HttpResponse:
    """Choose the weekly hours of an enrollment's individual sessions from a given day on."""
    user, now = signed_in(request), clock.now()
    enrollment = enrollment_managed_by(user, enrollment_id)
    episode, track, site = enrollment.episode, enrollment.track, enrollment.episode.site
    patient, today = episode.patient, site.today_at(now)
    form = IndividualSessionsForm(request.POST or None)
    context: dict[str, object] = {
        "patient": patient,
        "site": site,
        "enrollment": enrollment,
        "button": _("Save individual sessions"),
    }
    is_submitted = request.method == "POST" and "check" not in request.POST
    submission: Submission[Enrollment] = Submission()

    def service() -> Enrollment:
        given = form.cleaned_data
        return arrange_individual_sessions(
            enrollment=enrollment, hours=given["individual"], from_day=given["starts"], by=user, now=now
        )

    if is_submitted and form.is_valid():
        starts = form.cleaned_data["starts"]
        scope = SnapshotScope(site, max(starts, today))
        submission = submit_with_preview(request, service, scope=scope, now=now, action=f"individual time in {track}")
        if submission.saved:
            text = _("The individual sessions change from %(day)s. The bookings are updated.")
            messages.success(request, text % {"day": day(starts)})
            return redirect("patient", patient.pk)
    record(patient, by=user, action=Action.VIEWED, at=now, detail=f"individual time in {track}")
    context |= submission.preview
    context |= _times_context(request, form, enrollment, today, submission.reasons)
    if request.headers.get("HX-Request"):
        return render(request, "scheduling/enrollment/_individual_times.html", context | {"is_part": True})
    status = 422 if is_submitted and not submission.preview else 200
    return render(request, "scheduling/enrollment/individual_sessions.html", context, status=status)


def _times_context(
    request: HttpRequest, form: IndividualSessionsForm, enrollment: Enrollment, today: date, refused: Sequence[Reason]
) -> dict[str, object]:
    """Build the page's context: the form, the available times, and the reasons for a refusal."""
    earliest = enrollment.earliest_from(today)
    from_day = requested_start(request, form, otherwise=earliest)
    form.initial["starts"] = from_day
    current = individual_sessions_of(enrollment, from_day)
    reasons = show_field_reasons(form, refused) if form.is_bound else refused
    try:
        found = individual_session_options(enrollment=enrollment, from_day=max(from_day, earliest), today=today)
    except Refused as refusal:
        return {"form": form, "reasons": reasons or refusal.reasons}
    chosen = form.cleaned_data.get("individual") if form.is_bound else current or None
    times = time_choices(found, enrollment.track.individual_minutes, chosen, current)
    return {"form": form, "reasons": reasons, "times": times}
