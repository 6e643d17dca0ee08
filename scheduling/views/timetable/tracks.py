"""List, show, add, change and publish tracks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from scheduling.domain.hours.rules import Verdict
from scheduling.forms.timetable.tracks import TrackForm
from scheduling.models import Meeting, Site, Track
from scheduling.services.enrollment.waitlist import waitlist_counts
from scheduling.services.rulebook import RuleBook
from scheduling.services.timetable.deviations import track_deviations
from scheduling.services.timetable.tracks import (
    change_track,
    create_track,
    publish_track,
    track_verdict,
    with_meetings,
)
from scheduling.views.current_site import current_site
from scheduling.views.refusals import show_field_reasons, submit_form
from timekeeping.reasons import Reason, Refused

CHANGES_SHOWN_AHEAD = timedelta(weeks=4)


@dataclass(frozen=True)
class TrackSummary:
    """A track, the verdict on its weekly hours, and the number of waiting patients.

    `waiting` is 0 if the user may not see patients.
    """

    track: Track
    verdict: Verdict
    waiting: int = 0


def _track_seen_by(user: User, track_id: int) -> Track:
    running = Meeting.objects.select_related("room", "service_type").prefetch_related(
        "meeting_facilitators__user", "tracks"
    )
    tracks = with_meetings(Track.objects.visible_to(user)).select_related("site")
    return get_object_or_404(tracks.prefetch_related(None).prefetch_related(Prefetch("meetings", running)), pk=track_id)


def track_managed_by(user: User, track_id: int) -> Track:
    """Return a track that the user may change.

    Raises Http404 if the user may not see the track, and PermissionDenied if the user may not change it.
    """
    track = _track_seen_by(user, track_id)
    forbid_unless(user.may(Permission.MANAGE_TIMETABLE, track.site_id))
    return track


@staff_required(Permission.SEE_TIMETABLE)
@require_safe
def tracks(request: HttpRequest) -> HttpResponse:
    user, site = signed_in(request), current_site(request)
    today, book = clock.today(site.zone), RuleBook.of(site)
    found = with_meetings(Track.objects.visible_to(user).filter(site=site)).order_by("status", "name")
    waiting = _waitlist_counts(user, site)
    context = {
        "rows": [
            TrackSummary(track, track_verdict(track=track, on=today, book=book), waiting.get(track.pk, 0))
            for track in found
        ],
        "rules": book.on(today),
        "may_manage": user.may(Permission.MANAGE_TIMETABLE, site.pk),
    }
    return render(request, "scheduling/timetable/tracks.html", context)


def _waitlist_counts(user: User, site: Site) -> dict[int, int]:
    return waitlist_counts(site=site) if user.may(Permission.SEE_PATIENTS, site.pk) else {}


def _week_context(track: Track, now: datetime) -> dict[str, object]:
    """Build the context of a track's page: its meetings, weekly hours, and sessions that differ from their meetings."""
    book, today = RuleBook.of(track.site), track.site.today_at(now)
    to_come = [meeting for meeting in track.meetings.all() if meeting.runs_until is None or meeting.runs_until > today]
    return {
        "track": track,
        "today": today,
        "days": [(day, [meeting for meeting in to_come if meeting.weekday == day]) for day in range(7)],
        "verdict": track_verdict(track=track, on=today, book=book),
        "rules": book.on(today),
        "deviations": track_deviations(track, first=today, until=today + CHANGES_SHOWN_AHEAD, now=now),
        "site": track.site,
    }


@staff_required(Permission.SEE_TIMETABLE)
@require_safe
def track(request: HttpRequest, track_id: int) -> HttpResponse:
    user = signed_in(request)
    found = _track_seen_by(user, track_id)
    context = _week_context(found, clock.now())
    context["may_manage"] = user.may(Permission.MANAGE_TIMETABLE, found.site_id)
    context["may_end"] = user.may(Permission.MANAGE_PATIENTS, found.site_id)
    context["sees_waiting"] = user.may(Permission.SEE_PATIENTS, found.site_id)
    context["waiting"] = _waitlist_counts(user, found.site).get(found.pk, 0)
    return render(request, "scheduling/timetable/track.html", context)


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(["GET", "HEAD", "POST"])
def track_new(request: HttpRequest) -> HttpResponse:
    user, site = signed_in(request), current_site(request)
    forbid_unless(user.may(Permission.MANAGE_TIMETABLE, site.pk))
    form = TrackForm(request.POST or None)
    if saved := submit_form(
        request, form, lambda: create_track(site=site, values=form.values(), by=user, now=clock.now())
    ):
        messages.success(request, _("%(track)s is a draft. Add its groups, then publish it.") % {"track": saved.value})
        return redirect("track", saved.value.pk)
    return _form_page(request, form, heading=_("New track"), button=_("Add draft track"))


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(["GET", "HEAD", "POST"])
def track_edit(request: HttpRequest, track_id: int) -> HttpResponse:
    user = signed_in(request)
    found = track_managed_by(user, track_id)
    form = TrackForm(request.POST or None, track=found)
    reasons: Sequence[Reason] = ()
    if request.method == "POST" and form.is_valid():
        try:
            change_track(track=found, values=form.values(), by=user, now=clock.now())
            return redirect("track", found.pk)
        except Refused as refused:
            reasons = show_field_reasons(form, refused.reasons)
    heading = _("Edit %(track)s") % {"track": found.name}
    return _form_page(request, form, heading=heading, button=_("Save track"), track=found, reasons=reasons)


@staff_required(Permission.MANAGE_TIMETABLE)
@require_POST
def track_publish(request: HttpRequest, track_id: int) -> HttpResponse:
    user = signed_in(request)
    found = track_managed_by(user, track_id)
    now = clock.now()
    try:
        publish_track(track=found, by=user, now=now)
    except Refused as refused:
        context = _week_context(found, now) | {"may_manage": True, "reasons": refused.reasons}
        return render(request, "scheduling/timetable/track.html", context, status=422)
    messages.success(request, _("%(track)s is published. Its sessions are on the calendar.") % {"track": found})
    return redirect("track", found.pk)


def _form_page(request: HttpRequest, form: object, **context: object) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    return render(request, "scheduling/timetable/track_form.html", {"form": form, **context}, status=status)
