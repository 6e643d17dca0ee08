"""The site at which a staff member is working. It is chosen in the top bar and stored in the browser session."""

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
    """Return the sites at which the user works, sorted by name. They are read once per request."""
    cache: dict[str, tuple[Site, ...]] = vars(request)
    if "sites_worked_at" not in cache:
        cache["sites_worked_at"] = tuple(Site.objects.worked_at_by(signed_in(request)))
    return cache["sites_worked_at"]


def current_site(request: HttpRequest) -> Site:
    """Return the user's chosen site, or else the first one. Raises PermissionDenied if the user works at no site."""
    sites = sites_worked_at(request)
    if not sites:
        raise PermissionDenied
    chosen = request.session.get(SESSION_KEY)
    return next((site for site in sites if site.pk == chosen), sites[0])


@login_required
@require_POST
def site_switch(request: HttpRequest) -> HttpResponse:
    """Switch to another site, and redirect to the URL in `next` if it belongs to this server."""
    code = request.POST.get("site", "")
    site = next((site for site in sites_worked_at(request) if site.code == code), None)
    if site is None:
        raise Http404
    request.session[SESSION_KEY] = site.pk
    back = request.POST.get("next", "")
    return redirect(back if is_own_url(request, back) else "home")


def is_own_url(request: HttpRequest, address: str) -> bool:
    """Whether a URL that came with the request leads to a page of this server."""
    return url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
