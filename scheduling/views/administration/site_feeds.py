"""The page on which administrators see a site's calendar links, without their secrets, and turn them off."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.audit import record_all
from accounts.models import Action, User
from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from iopmanager import clock
from patients.models import Patient
from scheduling.models import Feed
from scheduling.services.documents.feeds import revoke_feed
from scheduling.views.administration.sites import managed_site

LINKS_ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A calendar link in the list. `patient` is None if the link has no patient or the user may not see the patient."""

    feed: Feed
    patient: Patient | None


@staff_required(Permission.MANAGE_SITE)
@require_safe
def site_feeds(request: HttpRequest, site_id: int) -> HttpResponse:
    """List the calendar links of a site's patients, staff, rooms and tracks. Only patients whom the user may see are named."""
    user = signed_in(request)
    site = managed_site(user, site_id)
    feeds = Feed.objects.live().at_site(site).select_related("patient", "facilitator", "room", "track")
    page = Paginator(feeds, LINKS_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {"site": site, "page": page, "rows": _rows(list(page), user)}
    return render(request, "scheduling/administration/site/feeds.html", context)


def _rows(feeds: list[Feed], user: User) -> list[FeedRow]:
    """Return a row for each link. Record in the audit trail which patients' names the user saw."""
    visible = Patient.objects.visible_to(user).in_bulk([feed.patient_id for feed in feeds if feed.patient_id])
    patients = [visible[pk] for pk in sorted(visible)]
    record_all(patients, by=user, action=Action.VIEWED, at=clock.now(), detail="calendar links of the site")
    return [FeedRow(feed, visible.get(feed.patient_id or 0)) for feed in feeds]


@staff_required(Permission.MANAGE_SITE)
@require_POST
def site_feed_turn_off(request: HttpRequest, site_id: int, feed_id: int) -> HttpResponse:
    """Turn off one of a site's calendar links."""
    user = signed_in(request)
    site = managed_site(user, site_id)
    feed = get_object_or_404(Feed.objects.at_site(site), pk=feed_id)
    revoke_feed(feed=feed, by=user, now=clock.now())
    messages.success(request, _("The calendar link is turned off. That calendar gets no more updates."))
    return redirect("site-feeds", site.pk)
