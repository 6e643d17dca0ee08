"""End a track: who stands in it moves to another, or ends with it."""

from collections.abc import Iterable
from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.audit import record_all
from accounts.models import Action, User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from patients.models import Patient
from scheduling.formats import day
from scheduling.forms.enrollment.end_track import TrackEndForm
from scheduling.models import Enrollment, Track
from scheduling.services.enrollment.end_track import end_track, ending_enrollments, visiting_enrollments
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.views.preview.confirmation import apply_or_preview, summarize_impact
from scheduling.views.refusals import show_refusal
from timekeeping.reasons import Refused


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def track_end(request: HttpRequest, track_id: int) -> HttpResponse:
    """Says when, and where everybody goes; shows what that changes; does it."""
    user, now = signed_in(request), clock.now()
    track = get_object_or_404(Track.objects.visible_to(user).select_related("site"), pk=track_id)
    forbid_unless(
        user.may(Permission.MANAGE_TIMETABLE, track.site_id) and user.may(Permission.MANAGE_PATIENTS, track.site_id)
    )
    form = TrackEndForm(request.POST or None, track=track)
    context: dict[str, object] = {"track": track, "site": track.site, "form": form, "button": f"End {track}"}
    if not (request.method == "POST" and form.is_valid()):
        return render(request, "scheduling/enrollment/track_end.html", context, status=422 if form.errors else 200)
    given = form.cleaned_data
    chosen = {enrollment.pk for enrollment in given["moving"]}
    if given["to"] is not None:
        people = ending_enrollments(track=track, to=given["to"], last_day=given["last_day"])
        _record_views([each.enrollment for each in people], user, f"who would move out of {track}")
        shown = chosen if form.is_listed else {each.enrollment.pk for each in people if each.may_move}
        context |= {"people": people, "moving": shown, "list_key": form.list_key, "to": given["to"]}
    visiting = visiting_enrollments(track=track, last_day=given["last_day"])
    _record_views(visiting, user, f"who visits {track}")
    context["visiting"] = visiting
    if form.is_listed:
        act = partial(end_track, track=track, last_day=given["last_day"], to=given["to"], moving=chosen)
        scene = SnapshotScope(track.site, given["last_day"])
        answer = apply_or_preview(request, partial(act, by=user, now=now), scene=scene, now=now)
        if answer.is_done:
            messages.success(request, f"{track} ends after {day(given['last_day'])}.")
            return redirect("track", track.pk)
        if answer.impact is not None:
            told = summarize_impact(answer.impact, site=track.site, user=user, now=now, what=str(track))
            context |= {"told": told, "is_news": answer.is_news}
        else:
            show_refusal(form, Refused(answer.reasons))
    return render(request, "scheduling/enrollment/track_end.html", context, status=422 if form.errors else 200)


def _record_views(enrollments: Iterable[Enrollment], user: User, detail: str) -> None:
    patients: list[Patient] = [each.episode.patient for each in enrollments]
    record_all(patients, by=user, action=Action.VIEWED, at=clock.now(), detail=detail)
