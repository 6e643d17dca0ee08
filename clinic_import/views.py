"""The pages on which staff import a clinic's files: upload, follow the progress, check the preview, and confirm."""

from datetime import UTC, tzinfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.audit import record
from accounts.models import Action
from accounts.permissions import Permission
from accounts.services.sealed_text import CannotUnseal
from accounts.views import confirmed_recently, signed_in, staff_required
from clinic_import.forms import ImportUploadForm
from clinic_import.models import ClinicImport
from clinic_import.services.blank_files import blank_csv_files, blank_workbook
from clinic_import.services.details import ImportDetails, unseal_details
from clinic_import.services.imports import confirm_import, discard_import, start_again, upload_import
from iopmanager import clock
from scheduling.views.current_site import current_site, sites_worked_at
from scheduling.views.refusals import submit_button

PERMISSIONS = (Permission.MANAGE_SITE, Permission.MANAGE_TIMETABLE, Permission.MANAGE_PATIENTS)
"""Whoever has one of these may import. Each row is judged by the permission of its own type."""
LAST_IMPORTS = 20


def _zone(request: HttpRequest) -> tzinfo:
    return current_site(request).zone if sites_worked_at(request) else UTC


@staff_required(*PERMISSIONS)
@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest) -> HttpResponse:
    """Upload files, and list the user's last imports."""
    user = signed_in(request)
    is_sent = request.method == "POST"
    form = ImportUploadForm(request.POST if is_sent else None, request.FILES if is_sent else None)
    if is_sent and form.is_valid():
        stored = upload_import(files=form.uploaded(), date_order=form.chosen_order(), by=user, now=clock.now())
        return redirect("clinic-import", stored.pk)
    last = ClinicImport.objects.visible_to(user).without_contents()[:LAST_IMPORTS]
    context = {"form": form, "last": last, "zone": _zone(request)}
    return render(request, "clinic_import/imports.html", context, status=422 if form.errors else 200)


@staff_required(*PERMISSIONS)
@require_safe
def blank_workbook_file(request: HttpRequest) -> HttpResponse:
    """Send a workbook to fill in."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    headers = {"Content-Disposition": 'attachment; filename="import.xlsx"'}
    return HttpResponse(blank_workbook(), content_type=kind, headers=headers)


@staff_required(*PERMISSIONS)
@require_safe
def blank_csv_file(request: HttpRequest) -> HttpResponse:
    """Send a zip file with CSV files to fill in."""
    headers = {"Content-Disposition": 'attachment; filename="import.zip"'}
    return HttpResponse(blank_csv_files(), content_type="application/zip", headers=headers)


@staff_required(*PERMISSIONS)
@require_safe
def clinic_import(request: HttpRequest, import_id: int) -> HttpResponse:
    """Show how far the import is, then its preview or its faults, and at the end its result.

    While the background worker is at work, htmx asks for the page's progress every 2 seconds.
    """
    user, now = signed_in(request), clock.now()
    found = get_object_or_404(ClinicImport.objects.visible_to(user).defer("upload"), pk=import_id)
    context: dict[str, object] = {"item": found, "is_stuck": found.seems_stuck(now), "zone": _zone(request)}
    if request.headers.get("HX-Request"):
        if found.is_in_background:
            return render(request, "clinic_import/_progress.html", context)
        return HttpResponse(headers={"HX-Refresh": "true"})
    if not found.is_in_background and (details := _details_of(found)):
        record(found, by=user, action=Action.VIEWED, at=now)
        context |= {"details": details, "more_faults": details.fault_count - len(details.faults)}
    return render(request, "clinic_import/import.html", context)


def _details_of(found: ClinicImport) -> ImportDetails | None:
    """Return the details of the preview, or None if they are deleted or can't be decrypted anymore."""
    try:
        return unseal_details(bytes(found.details)) if found.details else None
    except CannotUnseal:
        return None


@staff_required(*PERMISSIONS)
@require_POST
@confirmed_recently
def clinic_import_confirm(request: HttpRequest, import_id: int) -> HttpResponse:
    found = _own(request, import_id)
    shown = request.POST.get("shown", "")
    submit_button(
        request,
        lambda: confirm_import(import_id=found.pk, shown=shown, now=clock.now()),
        _("The import has started."),
        refusal_level=messages.WARNING,
    )
    return redirect("clinic-import", found.pk)


@staff_required(*PERMISSIONS)
@require_POST
def clinic_import_discard(request: HttpRequest, import_id: int) -> HttpResponse:
    found = _own(request, import_id)
    if submit_button(request, lambda: discard_import(import_id=found.pk), _("The files are deleted.")):
        return redirect("imports")
    return redirect("clinic-import", found.pk)


@staff_required(*PERMISSIONS)
@require_POST
def clinic_import_again(request: HttpRequest, import_id: int) -> HttpResponse:
    found = _own(request, import_id)
    submit_button(
        request,
        lambda: start_again(import_id=found.pk, now=clock.now()),
        _("The import has started again."),
        refusal_level=messages.WARNING,
    )
    return redirect("clinic-import", found.pk)


def _own(request: HttpRequest, import_id: int) -> ClinicImport:
    """Return the user's own import. Raises Http404 for the imports of others."""
    mine = ClinicImport.objects.visible_to(signed_in(request)).without_contents()
    return get_object_or_404(mine, pk=import_id)
