"""The site a member of staff is working at: chosen in the top bar, kept in the session."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts.views import signed_in
from scheduling.models import Site

SESSION_KEY = "site"


def sites_worked_at(request: HttpRequest) -> tuple[Site, ...]:
    """The sites at which the person signed in works, by name; read once in each request."""
    kept: dict[str, tuple[Site, ...]] = vars(request)
    if "sites_worked_at" not in kept:
        kept["sites_worked_at"] = tuple(Site.objects.worked_at_by(signed_in(request)))
    return kept["sites_worked_at"]


def current_site(request: HttpRequest) -> Site:
    """The chosen site, or the first. Raises PermissionDenied for a person who works nowhere."""
    sites = sites_worked_at(request)
    if not sites:
        raise PermissionDenied
    chosen = request.session.get(SESSION_KEY)
    return next((site for site in sites if site.pk == chosen), sites[0])


@login_required
@require_POST
def site_switch(request: HttpRequest) -> HttpResponse:
    """Works at another site from now on, and goes back to the page that asked, if it is one of ours."""
    asked = request.POST.get("site", "")
    site = next((site for site in sites_worked_at(request) if site.code == asked), None)
    if site is None:
        raise Http404
    request.session[SESSION_KEY] = site.pk
    back = request.POST.get("next", "")
    return redirect(back if is_own_url(request, back) else "home")


def is_own_url(request: HttpRequest, address: str) -> bool:
    """Whether an address that came with the request leads to a page of ours, and not out of the house."""
    return url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
