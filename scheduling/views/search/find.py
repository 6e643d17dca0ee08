"""Find a schedule that fits around a patient's commitments, or around the commitments of a what-if scenario."""

from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Permission
from accounts.views import forbid_unless, staff_required
from iopmanager import clock
from patients.models import Commitment
from scheduling.services.search.what_if import save_change
from scheduling.views.conflict_message import add_conflict_message
from scheduling.views.refusals import submit_form
from scheduling.views.search.search_page import (
    ScheduleSearchQuery,
    ScheduleSearchRequest,
    open_search,
    read_query,
    search_context,
)


@staff_required(Permission.SEE_COMMITMENTS)
@require_safe
@transaction.atomic
def find_schedule(request: HttpRequest, patient_id: int) -> HttpResponse:
    """List the schedules that fit, best first, and the reasons against the tracks that don't fit."""
    search, query = open_search(request, patient_id, clock.now(), detail="find a schedule"), None
    if search.episode is not None:
        query = read_query(search.episode, request.GET, otherwise=search.earliest, has_scenario=False)
    return render(request, "scheduling/search/find_schedule.html", search_context(search, query, request.GET))


@staff_required(Permission.SEE_COMMITMENTS)
@require_POST
@transaction.atomic
def find_schedule_what_if(request: HttpRequest, patient_id: int) -> HttpResponse:
    """List the schedules that fit under the scenario in the form. Nothing in the scenario is saved."""
    search = open_search(request, patient_id, clock.now(), detail="find a schedule, what if")
    if search.episode is None:
        return redirect("find-schedule", search.patient.pk)
    typed = apply_suggestion(request.POST)
    query = read_query(search.episode, typed, otherwise=search.earliest)
    if request.headers.get("HX-Request"):
        context = search_context(search, query, typed)
        return render(request, "scheduling/search/_results.html", context | {"is_part": True})
    if "look" in typed and query.is_unchanged:
        return _redirect_without_scenario(search, query)
    context = search_context(search, query, typed)
    return render(request, "scheduling/search/find_schedule.html", context, status=422 if query.is_wrong else 200)


@staff_required(Permission.MANAGE_PATIENTS)
@require_POST
@transaction.atomic
def find_schedule_save(request: HttpRequest, patient_id: int, commitment_id: int) -> HttpResponse:
    """Save the scenario's changes to one commitment. The rest of the scenario stays unsaved."""
    now = clock.now()
    search = open_search(request, patient_id, now, detail="find a schedule, what if")
    forbid_unless(search.may_manage)
    rows = Commitment.objects.filter(patient=search.patient).with_travel().select_related("patient__site")
    commitment = get_object_or_404(rows, pk=commitment_id)
    if search.episode is None:
        return redirect("find-schedule", search.patient.pk)
    query = read_query(search.episode, request.POST, otherwise=search.earliest)
    form = query.scenario_form.form_for(commitment.pk) if query.scenario_form else None
    if form is not None and form.changed and form.changed.now:
        site, parts = search.patient.site, form.changed.now
        saved = submit_form(
            request,
            form,
            lambda: save_change(commitment=commitment, parts=parts, site=site, by=search.user, now=now),
        )
        if saved is None:
            context = search_context(search, query, request.POST)
            return render(request, "scheduling/search/find_schedule.html", context, status=422)
        for each in saved.value:
            add_conflict_message(request, each, listed=_("The chart lists them."))
    remaining = read_query(search.episode, without_commitment(request.POST, commitment.pk), otherwise=search.earliest)
    if remaining.is_unchanged:
        return _redirect_without_scenario(search, remaining)
    return render(request, "scheduling/search/find_schedule.html", search_context(search, remaining, request.POST))


def apply_suggestion(typed: QueryDict) -> QueryDict:
    """If a suggestion was submitted in `try`, replace the submitted values with the values of the suggestion."""
    merged = typed.copy()
    for name, values in QueryDict(typed.get("try", "")).lists():
        merged.setlist(name, values)
    return merged


def without_commitment(typed: QueryDict, key: int) -> QueryDict:
    """Return the form data without the scenario's changes to one commitment."""
    remaining = typed.copy()
    for name in [name for name in remaining if name.startswith(f"c{key}-")]:
        del remaining[name]
    return remaining


def _redirect_without_scenario(search: ScheduleSearchRequest, query: ScheduleSearchQuery) -> HttpResponseRedirect:
    day = urlencode({"from": query.form.cleaned_data["from"].isoformat()})
    return HttpResponseRedirect(f"{reverse('find-schedule', args=[search.patient.pk])}?{day}")
