"""The pages with which a new clinic begins: the first administrator, the checklist, and a new site."""

from allauth.core import ratelimit
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import FirstAdministratorForm
from accounts.permissions import Permission
from accounts.services.first_run import AlreadySetUp, create_first_administrator, is_set_up
from accounts.views import (
    confirmed_recently,
    forbid_unless_of_all_sites,
    sign_in_with_new_password,
    signed_in,
    staff_required,
)
from iopmanager import clock
from scheduling.forms.administration.sites import SiteForm
from scheduling.reason_text import reason_text
from scheduling.services.administration.checklist import site_progress
from scheduling.services.administration.sites import add_site
from scheduling.views.refusals import submit_form


@sensitive_post_parameters("password", "code")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    """Create the first administrator, and sign them in. Once there is a user, redirect to the sign-in page."""
    if is_set_up():
        return _refer_to_sign_in(request)
    form = FirstAdministratorForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and not _may_guess(request):
        form.add_error("code", _("Too many wrong codes. Wait 5 minutes, then try again."))
    saved = submit_form(request, form, lambda: create_first_administrator(now=clock.now(), **form.cleaned_data))
    if saved:
        return sign_in_with_new_password(request, saved.value)
    if form.errors and is_set_up():  # somebody else was faster
        return _refer_to_sign_in(request)
    return render(request, "scheduling/administration/set_up.html", {"form": form}, status=422 if form.errors else 200)


def _refer_to_sign_in(request: HttpRequest) -> HttpResponse:
    """Redirect to the sign-in page, with a message that says that there is an administrator."""
    messages.info(request, reason_text(AlreadySetUp()))
    return redirect("account_login")


def _may_guess(request: HttpRequest) -> bool:
    """Count the request as a guess at the code. Return False if its address has sent too many guesses."""
    may: bool = ratelimit.consume(request, action="set_up")
    return may


@staff_required(Permission.MANAGE_SITE)
@require_safe
def getting_started(request: HttpRequest) -> HttpResponse:
    """Show the checklist of each site that the user manages: which set-up steps are done, and which are not."""
    user = signed_in(request)
    sites = [each for each in site_progress(user) if user.may(Permission.MANAGE_SITE, each.site.pk)]
    coordinated = {each.site.pk for each in sites if user.may(Permission.MANAGE_PATIENTS, each.site.pk)}
    context = {"progress": sites, "coordinated": coordinated}
    return render(request, "scheduling/administration/getting_started.html", context)


@staff_required(Permission.MANAGE_SITE)
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_recently
def site_new(request: HttpRequest) -> HttpResponse:
    """Add a site. The user must be an administrator of all sites."""
    user = signed_in(request)
    forbid_unless_of_all_sites(user)
    form = SiteForm(request.POST or None)
    saved = submit_form(
        request,
        form,
        lambda: add_site(
            values=form.values(),
            code=form.cleaned_data["code"],
            week_starts=form.cleaned_data["week_starts"],
            own_roles=form.cleaned_data["own_roles"],
            by=user,
            now=clock.now(),
        ),
    )
    if saved:
        messages.success(request, _("%(site)s is added.") % {"site": saved.value.name})
        return redirect("getting-started")
    context = {"form": form, "heading": _("Add a site"), "save": _("Add site")}
    return render(request, "scheduling/administration/site_form.html", context, status=422 if form.errors else 200)
