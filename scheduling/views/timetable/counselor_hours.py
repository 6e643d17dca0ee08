"""Add, change and remove the weekly hours in which counselors hold individual sessions."""

from functools import partial
from itertools import groupby

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from scheduling.forms.enrollment.individual import CounselorHoursForm
from scheduling.models import CounselorHours, Site
from scheduling.services.timetable.counselor_hours import (
    add_counselor_hours,
    change_counselor_hours,
    counselors_managed_by,
    remove_counselor_hours,
)
from scheduling.views.current_site import current_site
from scheduling.views.refusals import submit_form

METHODS = ["GET", "HEAD", "POST"]
EDIT_PERMISSIONS = (Permission.MANAGE_TIMETABLE, Permission.KEEP_OWN_HOURS)


@staff_required(Permission.SEE_TIMETABLE)
@require_safe
def counselor_hours(request: HttpRequest) -> HttpResponse:
    """List the counselor hours at the current site by person, in the order of the week."""
    user, site = signed_in(request), current_site(request)
    today = clock.today(site.zone)
    rows = CounselorHours.objects.visible_to(user).filter(site=site).open_on_or_after(today).select_related("user")
    found = list(rows.order_by("user__name", "user", "weekday", "starts", "pk"))
    kept = set(CounselorHours.objects.editable_by(user).filter(site=site).values_list("pk", flat=True))
    context = {
        "site": site,
        "today": today,
        "people": [(person, list(hours)) for person, hours in groupby(found, key=lambda each: each.user)],
        "kept": kept,
        "may_state": counselors_managed_by(user, site).exists(),
    }
    return render(request, "scheduling/timetable/counselor_hours.html", context)


@staff_required(*EDIT_PERMISSIONS)
@require_http_methods(METHODS)
def counselor_hours_new(request: HttpRequest) -> HttpResponse:
    """Add counselor hours for the user. A user who manages the timetable can add them for another counselor."""
    user, site, now = signed_in(request), current_site(request), clock.now()
    people = list(counselors_managed_by(user, site))
    forbid_unless(bool(people) or user.may(Permission.MANAGE_TIMETABLE, site.pk))
    form = CounselorHoursForm(request.POST or None, site=site, people=people)
    service = partial(add_counselor_hours, site=site, by=user, now=now)
    if people and (saved := submit_form(request, form, lambda: service(user=form.counselor, values=form.values()))):
        messages.success(request, _("%(name)s can see patients in these hours.") % {"name": saved.value.user})
        return redirect("counselor-hours")
    whose = people[0] if len(people) == 1 else None
    return _page(request, form, site, heading=_("Add hours"), button=_("Add hours"), whose=whose)


def _hours_managed_by(user: User, hours_id: int) -> CounselorHours:
    rows = CounselorHours.objects.select_related("site", "user")
    hours = get_object_or_404(rows.visible_to(user), pk=hours_id)
    forbid_unless(CounselorHours.objects.editable_by(user).filter(pk=hours_id).exists())
    return hours


@staff_required(*EDIT_PERMISSIONS)
@require_http_methods(METHODS)
def counselor_hours_edit(request: HttpRequest, hours_id: int) -> HttpResponse:
    """Change counselor hours. Individual sessions that are already arranged do not change."""
    user, now = signed_in(request), clock.now()
    hours = _hours_managed_by(user, hours_id)
    form = CounselorHoursForm(request.POST or None, site=hours.site, people=[hours.user], hours=hours)
    service = partial(change_counselor_hours, hours=hours, by=user, now=now)
    if submit_form(request, form, lambda: service(values=form.values())):
        messages.success(request, _("The hours are saved. Sessions that are already scheduled do not change."))
        return redirect("counselor-hours")
    return _page(
        request, form, hours.site, heading=_("Change hours"), button=_("Save hours"), whose=hours.user, hours=hours
    )


@staff_required(*EDIT_PERMISSIONS)
@require_POST
def counselor_hours_remove(request: HttpRequest, hours_id: int) -> HttpResponse:
    """Remove counselor hours. Individual sessions that are already arranged do not change."""
    user, now = signed_in(request), clock.now()
    remove_counselor_hours(hours=_hours_managed_by(user, hours_id), by=user, now=now)
    messages.success(request, _("The hours are removed. Sessions that are already scheduled do not change."))
    return redirect("counselor-hours")


def _page(request: HttpRequest, form: CounselorHoursForm, site: Site, **context: object) -> HttpResponse:
    context |= {"form": form, "site": site}
    return render(
        request, "scheduling/timetable/counselor_hours_form.html", context, status=422 if form.errors else 200
    )
