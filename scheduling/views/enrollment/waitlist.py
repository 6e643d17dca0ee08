"""Show who waits for a track and how well the track fits each patient. Also add, remove and enroll waiting patients."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.audit import record_all
from accounts.models import Action, User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from patients.access import current_or_next_episode, patient_managed_by
from scheduling.formats import day
from scheduling.forms.enrollment.enroll import MeetingChoiceForm, WaitlistForm, WaitlistRemovalForm
from scheduling.models import Track, WaitingEntry
from scheduling.reason_text import reason_text
from scheduling.services.enrollment.waitlist import join_waitlist, leave_waitlist
from scheduling.services.enrollment.waitlist_offers import (
    WaitlistMatch,
    enroll_from_waitlist,
    match_waitlist,
    next_in_line,
)
from scheduling.views.enrollment.enroll import tracks_seen_by
from scheduling.views.preview.patient_form import patient_action_page
from scheduling.views.refusals import submit_form
from timekeeping.reasons import Reason, Refused

METHODS = ["GET", "HEAD", "POST"]
MAX_REASONS = 3
"""How many reasons against an enrollment the waitlist shows. The schedule search shows all reasons."""


@dataclass(frozen=True)
class WaitlistRow:
    """A waiting patient in the list, with the first reasons against an enrollment and the number of other reasons."""

    waiting: WaitlistMatch
    reasons: Sequence[Reason]
    more: int
    is_next: bool


def _track_of_waitlist(user: User, track_id: int) -> Track:
    """Return the track with all data needed to judge how well it fits a patient. It can be an unpublished track."""
    tracks = Track.objects.visible_to(user).select_related("site")
    return get_object_or_404(
        tracks.prefetch_related("cohort_starts", "meetings__service_type", "meetings__meeting_facilitators"),
        pk=track_id,
    )


@staff_required(Permission.SEE_PATIENTS)
@require_safe
@transaction.atomic
def waitlist(request: HttpRequest, track_id: int) -> HttpResponse:
    """List all patients who wait for the track, in waitlist order, and show how well the track fits each of them."""
    user, now = signed_in(request), clock.now()
    track = _track_of_waitlist(user, track_id)
    forbid_unless(user.may(Permission.SEE_PATIENTS, track.site_id))
    entries = list(
        WaitingEntry.objects.visible_to(user)
        .open()
        .filter(track=track)
        .in_order()
        .select_related("episode__patient", "track")
        .prefetch_related("episode__spans")
    )
    patients = [entry.episode.patient for entry in entries]
    record_all(patients, by=user, action=Action.VIEWED, at=now, detail=f"waitlist of {track}")
    sees_commitments = user.may(Permission.SEE_COMMITMENTS, track.site_id)
    waiting = match_waitlist(track=track, entries=entries, sees_commitments=sees_commitments, now=now)
    following = next_in_line(waiting)
    context = {
        "track": track,
        "site": track.site,
        "lines": [_waitlist_row(each, is_next=each is following) for each in waiting],
        "sees_commitments": sees_commitments,
        "may_manage": user.may(Permission.MANAGE_PATIENTS, track.site_id),
    }
    return render(request, "scheduling/enrollment/waitlist.html", context)


def _waitlist_row(waiting: WaitlistMatch, *, is_next: bool) -> WaitlistRow:
    return WaitlistRow(waiting, waiting.reasons[:MAX_REASONS], len(waiting.reasons[MAX_REASONS:]), is_next)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(METHODS)
@transaction.atomic
def waitlist_join(request: HttpRequest, patient_id: int, track_id: int) -> HttpResponse:
    """Add a patient to the waitlist. A suggestion can open the form with the first day and the note filled in."""
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    track = get_object_or_404(tracks_seen_by(user), pk=track_id, site=patient.site_id)
    today = patient.site.today_at(now)
    episode = current_or_next_episode(patient, today)
    if episode is None:
        messages.warning(request, _("This patient has no episode of care. Admit the patient first."))
        return redirect("level-new", patient.pk)
    earliest: dict[str, Any] = {"from_day": episode.earliest_from(today)}
    opened = {name: request.POST.get(name, "") for name in ("from_day", "note")} if "open" in request.POST else {}
    form = WaitlistForm(None if opened else request.POST or None, initial=earliest | opened)
    service = partial(join_waitlist, episode=episode, track=track, by=user, now=now)
    if submit_form(request, form, lambda: service(**form.cleaned_data)):
        messages.success(
            request, _("%(name)s is on the waitlist for %(track)s.") % {"name": patient.short_name, "track": track}
        )
        return redirect("waitlist", track.pk)
    page = {
        "heading": _("Add to the waitlist for %(track)s") % {"track": track},
        "button": _("Add to waitlist"),
        "action": f"wait for {track}",
    }
    return patient_action_page(request, form, patient=patient, now=now, **page)


def _entry_managed_by(user: User, entry_id: int) -> WaitingEntry:
    found = WaitingEntry.objects.visible_to(user).select_related("episode__patient__site", "episode__site", "track")
    entry = get_object_or_404(found, pk=entry_id)
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, entry.audit_site_id))
    return entry


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(METHODS)
@transaction.atomic
def waitlist_remove(request: HttpRequest, entry_id: int) -> HttpResponse:
    """Remove a patient from the waitlist and record the reason."""
    user, now = signed_in(request), clock.now()
    entry = _entry_managed_by(user, entry_id)
    patient = entry.episode.patient
    form = WaitlistRemovalForm(request.POST or None)
    service = partial(leave_waitlist, entry=entry, by=user, now=now)
    if submit_form(request, form, lambda: service(reason=form.cleaned_data["reason"])):
        text = _("%(name)s is no longer on the waitlist for %(track)s.")
        messages.success(request, text % {"name": patient.short_name, "track": entry.track})
        return redirect("waitlist", entry.track_id)
    since = {"track": entry.track, "day": day(entry.requested_at, patient.site.zone)}
    page = {
        "heading": _("Remove %(name)s from the waitlist") % {"name": patient.short_name},
        "button": _("Remove from waitlist"),
        "button_tone": "danger",
        "note": _("Waiting for %(track)s since %(day)s.") % since,
        "action": "take off the waitlist",
    }
    return patient_action_page(request, form, patient=patient, now=now, **page)


@staff_required(Permission.MANAGE_PATIENTS)
@require_POST
def waitlist_enroll(request: HttpRequest, entry_id: int) -> HttpResponse:
    """Enroll a waiting patient with the first day and the meetings that the list showed, if this is still possible."""
    user, now = signed_in(request), clock.now()
    entry = _entry_managed_by(user, entry_id)
    form = MeetingChoiceForm(request.POST, track=entry.track)
    if not form.is_valid():
        messages.error(request, _("The waitlist has changed. Check it again."))
        return redirect("waitlist", entry.track_id)
    given = form.cleaned_data
    try:
        enroll_from_waitlist(entry=entry, meetings=list(given["meetings"]), starts=given["starts"], by=user, now=now)
    except Refused as refused:
        for reason in refused.reasons:
            messages.error(request, f"{entry.episode.patient.short_name}: {reason_text(reason)}")
    else:
        values = {"name": entry.episode.patient, "track": entry.track, "day": day(given["starts"])}
        messages.success(request, _("%(name)s is enrolled in %(track)s from %(day)s.") % values)
    return redirect("waitlist", entry.track_id)
