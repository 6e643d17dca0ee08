"""The pages on which administrators add, change and retire rooms."""

from datetime import timedelta

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from scheduling.formats import day
from scheduling.forms.administration.rooms import RetireRoomForm, RoomForm
from scheduling.models import Meeting, Room, Site
from scheduling.services.administration.rooms import (
    RoomInWeeklyUse,
    add_room,
    bring_back_room,
    change_room,
    retire_room,
    room_uses,
)
from scheduling.services.administration.versions import version_of
from scheduling.views.administration.sites import managed_site
from scheduling.views.administration.versions import submit_edit
from scheduling.views.refusals import submit_button, submit_form

METHODS = ["GET", "HEAD", "POST"]


def _managed_room(user: User, room_id: int) -> Room:
    """Find a room that the user may manage. Raises Http404 or PermissionDenied for any other room."""
    room = get_object_or_404(Room.objects.visible_to(user).select_related("site"), pk=room_id)
    forbid_unless(user.may(Permission.MANAGE_SITE, room.site_id))
    return room


@staff_required(Permission.MANAGE_SITE)
@require_safe
def rooms(request: HttpRequest, site_id: int) -> HttpResponse:
    """List a site's rooms, with the number of weekly groups in each."""
    site = managed_site(signed_in(request), site_id)
    today = clock.today(site.zone)
    current = Meeting.objects.filter(site=site).open_on_or_after(today)
    used = Count("meetings", filter=Q(meetings__in=current), distinct=True)
    found = Room.objects.filter(site=site).annotate(groups=used).order_by("name", "pk")
    return render(request, "scheduling/administration/site/rooms.html", {"site": site, "rooms": found, "today": today})


@staff_required(Permission.MANAGE_SITE)
@require_http_methods(METHODS)
def room_new(request: HttpRequest, site_id: int) -> HttpResponse:
    """Add a room to a site."""
    user = signed_in(request)
    site = managed_site(user, site_id)
    form = RoomForm(request.POST or None)
    saved = submit_form(request, form, lambda: add_room(site=site, values=form.values(), by=user, now=clock.now()))
    if saved:
        messages.success(request, _("%(room)s is added.") % {"room": saved.value.name})
        return redirect("rooms", site.pk)
    return _form_page(request, form, site, heading=_("Add a room"), save=_("Add room"))


@staff_required(Permission.MANAGE_SITE)
@require_http_methods(METHODS)
def room_edit(request: HttpRequest, room_id: int) -> HttpResponse:
    """Change a room's name, capacity or code."""
    user = signed_in(request)
    room = _managed_room(user, room_id)
    form, version = RoomForm(request.POST or None, room=room), version_of(room)
    saved = submit_edit(
        request,
        form,
        lambda seen: change_room(room=room, values=form.values(), seen=seen, by=user, now=clock.now()),
        current=version,
    )
    if saved:
        messages.success(request, _("%(room)s is saved.") % {"room": saved.value.name})
        return redirect("rooms", room.site_id)
    return _form_page(request, form, room.site, heading=room.name, save=_("Save room"), version=version)


def _form_page(request: HttpRequest, form: RoomForm, site: Site, **context: object) -> HttpResponse:
    context |= {"form": form, "site": site}
    return render(request, "scheduling/administration/site/room_form.html", context, status=422 if form.errors else 200)


@staff_required(Permission.MANAGE_SITE)
@require_http_methods(METHODS)
def room_retire(request: HttpRequest, room_id: int) -> HttpResponse:
    """Show what uses a room, and offer to retire it. A room that is used every week can't be retired."""
    user, now = signed_in(request), clock.now()
    room = _managed_room(user, room_id)
    today = room.site.today_at(now)
    form = RetireRoomForm(request.POST or None, initial={"since": today + timedelta(days=1)})
    saved = submit_form(
        request, form, lambda: retire_room(room=room, since=form.cleaned_data["since"], by=user, now=now)
    )
    if saved:
        values = {"room": room.name, "on": day(form.cleaned_data["since"])}
        messages.success(request, _("%(room)s is not used from %(on)s on.") % values)
        return redirect("rooms", room.site_id)
    uses = [] if form.errors else room_uses(room, today)
    is_possible = not any(isinstance(use, RoomInWeeklyUse) for use in uses)
    context = {"form": form, "room": room, "site": room.site, "uses": uses, "is_possible": is_possible}
    return render(
        request, "scheduling/administration/site/room_retire.html", context, status=422 if form.errors else 200
    )


@staff_required(Permission.MANAGE_SITE)
@require_POST
def room_bring_back(request: HttpRequest, room_id: int) -> HttpResponse:
    """Bring back a retired room."""
    user = signed_in(request)
    room = _managed_room(user, room_id)
    text = _("%(room)s can be used again.") % {"room": room.name}
    submit_button(request, lambda: bring_back_room(room=room, by=user, now=clock.now()), text)
    return redirect("rooms", room.site_id)
