"""Page to amend the mark of a finalized session."""

from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.audit import record
from accounts.models import Action
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from attendance.forms import AmendForm
from attendance.models import Attendance
from attendance.services.amendments import amend_attendance
from attendance.services.session_rights import session_rights
from attendance.views.roster import find_session
from iopmanager import clock
from scheduling.views.refusals import submit_form


@staff_required(Permission.AMEND, Permission.AMEND_OWN)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def attendance_amend(request: HttpRequest, attendance_id: int) -> HttpResponse:
    """Show a finalized mark with its earlier amendments. A POST amends the mark; the user must give a reason."""
    user, now = signed_in(request), clock.now()
    marks = Attendance.objects.visible_to(user).select_related("booking__episode__patient")
    attendance = get_object_or_404(marks, pk=attendance_id)
    session = find_session(user, attendance.booking.session_id)
    forbid_unless(session_rights(session, user).may_amend)
    amendments = list(attendance.amendments.all())
    form = AmendForm(request.POST or None, session=session, attendance=attendance, amendments=len(amendments))
    service = partial(amend_attendance, attendance=attendance, by=user, now=now)
    if submit_form(request, form, lambda: service(mark=form.mark(), seen_amendments=form.cleaned_data["seen"])):
        messages.success(request, _("The amendment is saved."))
        return redirect(f"{reverse('session', args=[session.pk])}#person-{attendance.booking_id}")
    patient = attendance.booking.episode.patient
    record(patient, by=user, action=Action.VIEWED, at=now, detail=f"mark of {session}")
    context = {
        "attendance": attendance,
        "amendments": amendments,
        "patient": patient,
        "session": session,
        "site": session.site,
        "form": form,
    }
    return render(request, "attendance/roster/amend.html", context)
