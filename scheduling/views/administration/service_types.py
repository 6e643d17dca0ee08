"""The pages on which administrators of all sites add and change types of service."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Permission
from accounts.views import forbid_unless_of_all_sites, signed_in, staff_required
from iopmanager import clock
from scheduling.forms.administration.service_types import ServiceTypeForm
from scheduling.models import ServiceType
from scheduling.services.administration.service_types import add_service_type, change_service_type, used_service_types
from scheduling.services.administration.versions import version_of
from scheduling.views.administration.versions import submit_edit
from scheduling.views.refusals import submit_form

METHODS = ["GET", "HEAD", "POST"]


@staff_required(Permission.MANAGE_SITE)
@require_safe
def service_types(request: HttpRequest) -> HttpResponse:
    """List the types of service. All sites share them."""
    forbid_unless_of_all_sites(signed_in(request))
    context = {"rows": used_service_types()}
    return render(request, "scheduling/administration/service_types.html", context)


@staff_required(Permission.MANAGE_SITE)
@require_http_methods(METHODS)
def service_type_new(request: HttpRequest) -> HttpResponse:
    """Add a type of service."""
    user = signed_in(request)
    forbid_unless_of_all_sites(user)
    form = ServiceTypeForm(request.POST or None)
    saved = submit_form(request, form, lambda: add_service_type(**form.cleaned_data, by=user, now=clock.now()))
    if saved:
        messages.success(request, _("%(name)s is added.") % {"name": saved.value.name})
        return redirect("service-types")
    return _form_page(request, form, heading=_("Add a type of service"), save=_("Add type of service"))


@staff_required(Permission.MANAGE_SITE)
@require_http_methods(METHODS)
def service_type_edit(request: HttpRequest, service_type_id: int) -> HttpResponse:
    """Change a type of service."""
    user = signed_in(request)
    forbid_unless_of_all_sites(user)
    service_type = get_object_or_404(ServiceType, pk=service_type_id)
    form, version = ServiceTypeForm(request.POST or None, service_type=service_type), version_of(service_type)
    saved = submit_edit(
        request,
        form,
        lambda seen: change_service_type(
            service_type=service_type, **form.cleaned_data, seen=seen, by=user, now=clock.now()
        ),
        current=version,
    )
    if saved:
        messages.success(request, _("%(name)s is saved.") % {"name": saved.value.name})
        return redirect("service-types")
    return _form_page(request, form, heading=service_type.name, save=_("Save type of service"), version=version)


def _form_page(request: HttpRequest, form: ServiceTypeForm, **context: object) -> HttpResponse:
    context |= {"form": form}
    status = 422 if form.errors else 200
    return render(request, "scheduling/administration/service_type_form.html", context, status=status)
