"""The administration page, and the pages on which administrators change a site."""

from collections import Counter
from dataclasses import dataclass
from functools import partial

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from scheduling.domain.hours.rules import HoursRules
from scheduling.formats import zone_name
from scheduling.forms.administration.sites import SiteDetailsForm, TimeZoneForm
from scheduling.models import Room, Site
from scheduling.services.administration.sites import change_site
from scheduling.services.administration.time_zones import change_time_zone, time_zone_scope
from scheduling.services.administration.versions import version_of
from scheduling.services.rulebook import RuleBook
from scheduling.views.administration.versions import submit_edit
from scheduling.views.preview.confirmation import submit_with_preview


@dataclass(frozen=True, slots=True)
class SiteOverview:
    """A site on the administration page, with the number of rooms that are not retired, and the rules in force."""

    site: Site
    rooms: int
    rules: HoursRules


def managed_sites(user: User) -> list[Site]:
    """Return the sites that the user administers, sorted by name."""
    return [site for site in Site.objects.worked_at_by(user) if user.may(Permission.MANAGE_SITE, site.pk)]


def managed_site(user: User, site_id: int) -> Site:
    """Return a site that the user administers.

    Raises Http404 if the user does not work at the site, and PermissionDenied if the user does not administer it.
    """
    site = get_object_or_404(Site.objects.worked_at_by(user), pk=site_id)
    forbid_unless(user.may(Permission.MANAGE_SITE, site.pk))
    return site


@staff_required(Permission.MANAGE_SITE)
@require_safe
def administration(request: HttpRequest) -> HttpResponse:
    """List what the user can administer: each site with its rooms and rules, and what all sites share."""
    user, now = signed_in(request), clock.now()
    sites = managed_sites(user)
    prefetch_related_objects(sites, "rule_sets")
    rooms = Counter(Room.objects.filter(site__in=sites, retired_from=None).values_list("site", flat=True))
    overviews = [
        SiteOverview(site, rooms[site.pk], RuleBook.of_rows(site.rule_sets.all()).on(site.today_at(now)))
        for site in sites
    ]
    return render(request, "scheduling/administration/administration.html", {"overviews": overviews})


@staff_required(Permission.MANAGE_SITE)
@require_http_methods(["GET", "HEAD", "POST"])
def site_edit(request: HttpRequest, site_id: int) -> HttpResponse:
    """Change a site's name, address, opening hours and other details."""
    user = signed_in(request)
    site = managed_site(user, site_id)
    heading, version = site.name, version_of(site)
    form = SiteDetailsForm(request.POST or None, instance=site)
    saved = submit_edit(
        request,
        form,
        lambda seen: change_site(site=site, details=form.details(), seen=seen, by=user, now=clock.now()),
        current=version,
    )
    if saved:
        messages.success(request, _("%(site)s is saved.") % {"site": saved.value.name})
        return redirect("administration")
    context = {"form": form, "heading": heading, "version": version}
    return render(request, "scheduling/administration/site/edit.html", context, status=422 if form.errors else 200)


@staff_required(Permission.MANAGE_SITE)
@require_http_methods(["GET", "HEAD", "POST"])
def site_time_zone(request: HttpRequest, site_id: int) -> HttpResponse:
    """Correct a site's time zone. A preview first shows which sessions move, and which patients are affected."""
    user, now = signed_in(request), clock.now()
    site = managed_site(user, site_id)
    form = TimeZoneForm(request.POST or None, initial={"time_zone": site.time_zone})
    context: dict[str, object] = {"form": form, "site": site, "button": _("Change time zone")}
    if request.method == "POST" and form.is_valid():
        time_zone = form.cleaned_data["time_zone"]
        scope = time_zone_scope(site, time_zone, now)
        service = partial(change_time_zone, site=site, time_zone=time_zone, by=user, now=now)
        submission = submit_with_preview(request, service, scope=scope, now=now, action="time zone", form=form)
        if submission.saved:
            messages.success(request, _("The time zone of %(site)s is saved.") % {"site": site.name})
            return redirect("administration")
        note = _("All times below are in the new time zone: %(zone)s.")
        context |= {"site": scope.site, "notes": [note % {"zone": zone_name(time_zone)}]}
        context |= submission.preview
    return render(request, "scheduling/administration/site/time_zone.html", context, status=422 if form.errors else 200)
