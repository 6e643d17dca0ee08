"""Redirect people from an absorbed record to the record into which it was merged."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _

from accounts.models import User
from iopmanager.middleware.kept_form import form_to_keep, page_of
from iopmanager.middleware.reader import signed_in_user
from iopmanager.middleware.sign_in_limits import KEPT_FORM
from patients.absorbed_records import GUARD
from patients.models import Patient


class MergedRecordMiddleware:
    """Redirect from a page of an absorbed record to the same page of the record into which it was merged.

    A form that somebody sends for an absorbed record is kept: the page of the other record shows it with everything that
    was typed. The person can check it and send it again. People who may not see the other record get the usual 404.
    A merge that is sent again leads to the chart of the kept record.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for a view that did not find the absorbed record, or could not add anything to it."""
        user = signed_in_user(request)
        is_guarded = isinstance(exception, IntegrityError) and GUARD in str(exception)
        if user is None or not (is_guarded or isinstance(exception, Http404 | ObjectDoesNotExist)):
            return None
        absorbed = _absorbed_record(request, user)
        if absorbed is None and not is_guarded:
            return None
        match = request.resolver_match
        is_merge = absorbed is not None and match is not None and "other_id" in match.kwargs
        if request.method != "POST" or is_merge:
            page = _of_kept_record(request.get_full_path(), absorbed)
            if absorbed is not None and absorbed.merged_into is not None:
                values = {"absorbed": absorbed.code, "kept": absorbed.merged_into.code}
                messages.info(request, _("The record %(absorbed)s was merged into %(kept)s.") % values)
        else:
            page = _of_kept_record(page_of(request), absorbed)
            action = urlsplit(_of_kept_record(request.path, absorbed)).path
            if form := form_to_keep(request, page, action=action, why="merged"):
                request.session[KEPT_FORM] = form
        if "HX-Request" in request.headers:
            return HttpResponse(headers={"HX-Redirect": page})
        return redirect(page)


def _absorbed_record(request: HttpRequest, user: User) -> Patient | None:
    """Return the absorbed record to which the address leads, if the user may see the record into which it was merged."""
    match = request.resolver_match
    ids = [match.kwargs[name] for name in ("patient_id", "other_id") if name in match.kwargs] if match else []
    if not ids:
        return None
    named = Q(*(("pk", pk) for pk in ids), _connector=Q.OR)
    absorbed = Patient.all_records.filter(named, merged_into__in=Patient.objects.visible_to(user))
    return absorbed.select_related("merged_into").first()


def _of_kept_record(address: str, absorbed: Patient | None) -> str:
    """Return the address of the same page for the record into which `absorbed` was merged."""
    parts = urlsplit(address)
    try:
        match = resolve(parts.path)
    except Resolver404:
        return address
    if absorbed is None or absorbed.pk not in match.kwargs.values() or not match.url_name:
        return address
    if "other_id" in match.kwargs:
        return reverse("patient", args=[absorbed.merged_into_id])
    path = reverse(match.url_name, kwargs=match.kwargs | {"patient_id": absorbed.merged_into_id})
    return f"{path}?{parts.query}" if parts.query else path
