"""Page to transfer a patient and their episode of care to another site of the clinic."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.audit import record
from accounts.models import Action
from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from iopmanager import clock
from patients.access import patient_managed_by
from patients.forms.care.site_transfer import SiteTransferForm
from scheduling.models import Site
from scheduling.services.enrollment.site_transfer import preview_transfer, transfer_episode
from scheduling.views.preview.confirmation import NEXT, SEEN, next_url, redirect_to_next
from scheduling.views.refusals import show_refusal
from timekeeping.reasons import Refused


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def site_transfer(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Choose the new site, preview the transfer, and carry it out after the user confirms it. `?to=` preselects a site.

    Only sites where the user manages patients are offered, so that the user can still see the patient afterward.
    """
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    today = patient.site.today_at(now)
    episode = get_object_or_404(patient.episodes.open_on_or_after(today).select_related("site", "patient"))
    sites = {site.pk: site for site in Site.objects.managing_patients(user).exclude(pk=patient.site_id)}
    named = [(site.pk, site.name) for site in sites.values()]
    form = SiteTransferForm(request.POST or None, sites=named, initial={"site": request.GET.get("to")})
    context: dict[str, object] = {"patient": patient, "sites": named, "form": form, "next": next_url(request)}
    if request.method == "POST" and form.is_valid():
        site = sites[form.cleaned_data["site"]]
        try:
            if request.POST.get(SEEN) == str(site.pk):
                transfer_episode(episode=episode, site=site, by=user, now=now)
                values = {"name": patient.short_name, "site": site}
                messages.success(request, _("%(name)s is at %(site)s from today.") % values)
                return redirect_to_next(request, "patient", patient.pk)
            context["move"] = preview_transfer(episode=episode, site=site, by=user, now=now)
        except Refused as refused:
            show_refusal(form, refused)
    record(patient, by=user, action=Action.VIEWED, at=now, detail="move to another site")
    names = {"seen_name": SEEN, "next_name": NEXT}
    return render(request, "patients/care/site_transfer.html", context | names, status=422 if form.errors else 200)
