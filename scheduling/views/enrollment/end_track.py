"""End a track. Its patients move to another track, or their enrollments end when the track ends."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
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
from scheduling.views.preview.confirmation import submit_with_preview


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def track_end(request: HttpRequest, track_id: int) -> HttpResponse:
    """Ask for the last day and the new track, list the patients who would move, preview the change, and apply it."""
    user, now = signed_in(request), clock.now()
    track = get_object_or_404(Track.objects.visible_to(user).select_related("site"), pk=track_id)
    forbid_unless(
        user.may(Permission.MANAGE_TIMETABLE, track.site_id) and user.may(Permission.MANAGE_PATIENTS, track.site_id)
    )
    form = TrackEndForm(request.POST or None, track=track)
    context: dict[str, object] = {
        "track": track,
        "site": track.site,
        "form": form,
        "button": _("End %(track)s") % {"track": track},
        "button_tone": "danger",
    }
    if not (request.method == "POST" and form.is_valid()):
        return _page(request, form, context)
    context |= _affected_people(form, track, user, now)
    if not form.is_listed:  # the user has not seen the list of patients yet
        return _page(request, form, context)
    last_day, to = form.cleaned_data["last_day"], form.cleaned_data["to"]
    service = partial(end_track, track=track, last_day=last_day, to=to, moving=form.moving_ids, by=user, now=now)
    scope = SnapshotScope(track.site, last_day)
    submission = submit_with_preview(request, service, scope=scope, now=now, action=str(track), form=form)
    if submission.saved:
        messages.success(request, _("%(track)s ends after %(day)s.") % {"track": track, "day": day(last_day)})
        return redirect("track", track.pk)
    return _page(request, form, context | dict(submission.preview))


def _affected_people(form: TrackEndForm, track: Track, user: User, now: datetime) -> dict[str, object]:
    """List the patients of the track, and patients of other tracks who attend its meetings.

    Record in the audit trail that the user saw these patients.
    """
    last_day, to = form.cleaned_data["last_day"], form.cleaned_data["to"]
    context: dict[str, object] = {}
    if to is not None:
        people = ending_enrollments(track=track, to=to, last_day=last_day, now=now)
        _record_views([each.enrollment for each in people], user, detail=f"who would move out of {track}")
        moving = form.moving_ids if form.is_listed else {each.enrollment.pk for each in people if each.may_move}
        context |= {"people": people, "moving": moving, "list_key": form.list_key, "to": to}
    visiting = visiting_enrollments(track=track, last_day=last_day)
    _record_views(visiting, user, detail=f"who visits {track}")
    return context | {"visiting": visiting}


def _record_views(enrollments: Iterable[Enrollment], user: User, *, detail: str) -> None:
    patients: list[Patient] = [each.episode.patient for each in enrollments]
    record_all(patients, by=user, action=Action.VIEWED, at=clock.now(), detail=detail)


def _page(request: HttpRequest, form: TrackEndForm, context: dict[str, object]) -> HttpResponse:
    return render(request, "scheduling/enrollment/track_end.html", context, status=422 if form.errors else 200)
