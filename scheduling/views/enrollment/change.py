"""Change an enrollment: choose other meetings of its track, move to another track, or end it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.audit import record
from accounts.models import Action, User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from patients.forms.care.episodes import EndingForm
from scheduling.formats import day
from scheduling.forms.enrollment.enroll import EnrollForm, MeetingChoiceForm, StartDateForm
from scheduling.models import Enrollment, Modality
from scheduling.services.enrollment.change import change_meetings
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.mixed_tracks import cross_track_options
from scheduling.services.enrollment.transfer import transfer_enrollment
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.views.enrollment.enroll import tracks_seen_by
from scheduling.views.enrollment.meeting_options import EnrollmentQuery, meeting_choice_context
from scheduling.views.preview.confirmation import Submission, submit_with_preview
from scheduling.views.preview.patient_form import patient_action_page, submit_patient_action
from scheduling.views.search.track_cards import other_tracks_context, waitlist_entries

METHODS = ["GET", "HEAD", "POST"]
DAY = timedelta(days=1)


def enrollment_managed_by(user: User, enrollment_id: int) -> Enrollment:
    found = Enrollment.objects.visible_to(user).select_related("episode__patient__site", "episode__site", "track")
    enrollment = get_object_or_404(found.prefetch_related("episode__spans"), pk=enrollment_id)
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, enrollment.episode.site_id))
    return enrollment


@dataclass(frozen=True)
class ChangePage:
    """Texts and data of a page on which other meetings are chosen for an enrollment.

    `query` builds the options for a change that starts on a given day. `earliest` is the first day on which the change
    can start. `action` names the change in the audit trail.
    """

    enrollment: Enrollment
    heading: str
    button: str
    action: str
    query: Callable[[date], EnrollmentQuery]
    earliest: date


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(METHODS)
@transaction.atomic
def enrollment_change(request: HttpRequest, enrollment_id: int) -> HttpResponse:
    """Choose other meetings of the enrollment's track from a given day on."""
    user, now = signed_in(request), clock.now()
    enrollment = enrollment_managed_by(user, enrollment_id)
    episode, today = enrollment.episode, enrollment.episode.site.today_at(now)
    track = get_object_or_404(tracks_seen_by(user), pk=enrollment.track_id)
    others = cross_track_options(track, changes=enrollment)
    form = MeetingChoiceForm(request.POST or None, track=track, beside=others.meetings)
    change = ChangePage(
        enrollment=enrollment,
        heading=_("Change groups in %(track)s") % {"track": track},
        button=_("Change groups"),
        action=f"change meetings in {track}",
        query=partial(EnrollmentQuery.for_track, episode, track, now, changing=enrollment, beside=others),
        earliest=enrollment.earliest_from(today),
    )

    def service() -> Enrollment:
        given = form.cleaned_data
        return change_meetings(
            enrollment=enrollment, meetings=list(given["meetings"]), from_day=given["starts"], by=user, now=now
        )

    def success(starts: date) -> str:
        return _("The groups change from %(day)s. The bookings are updated.") % {"day": day(starts)}

    attended = _attended_meetings(enrollment, change.earliest)
    return _submit_choice(request, form, change, service, success=success, now=now, attended=attended)


def _attended_meetings(enrollment: Enrollment, day: date) -> list[int]:
    """Return the ids of the meetings that the patient attends at the end of the week that starts on `day`."""
    week = day + timedelta(weeks=1)
    attended = enrollment.enrollment_meetings.all()
    return [each.meeting_id for each in attended if each.starts < week and (each.ends is None or each.ends >= week)]


@staff_required(Permission.MANAGE_PATIENTS)
@require_safe
@transaction.atomic
def enrollment_transfer(request: HttpRequest, enrollment_id: int) -> HttpResponse:
    """List the other tracks, and show how well each would fit the patient if this enrollment ended."""
    user, now = signed_in(request), clock.now()
    enrollment = enrollment_managed_by(user, enrollment_id)
    episode, patient = enrollment.episode, enrollment.episode.patient
    today = episode.site.today_at(now)
    record(patient, by=user, action=Action.VIEWED, at=now, detail=f"move from {enrollment.track}")
    earliest = enrollment.earliest_from(today)
    form = StartDateForm(request.GET if request.GET.get("from") else {"from": earliest.isoformat()})
    context: dict[str, object] = {"patient": patient, "episode": episode, "may_manage": True}
    context |= {"leaves": enrollment, "form": form, "waits_for": waitlist_entries(episode)}
    context |= other_tracks_context(form, episode, enrollment, now)
    return render(request, "scheduling/enrollment/enrollment_transfer.html", context)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(METHODS)
@transaction.atomic
def enrollment_transfer_to(request: HttpRequest, enrollment_id: int, track_id: int) -> HttpResponse:
    """Move the patient to another track. The old enrollment ends the day before the new one starts."""
    user, now = signed_in(request), clock.now()
    enrollment = enrollment_managed_by(user, enrollment_id)
    episode, today = enrollment.episode, enrollment.episode.site.today_at(now)
    others = tracks_seen_by(user).filter(site=episode.site_id).exclude(pk=enrollment.track_id)
    track = get_object_or_404(others, pk=track_id)
    more = cross_track_options(track)
    initial = {"modality": enrollment.modality}
    form = EnrollForm(request.POST or None, track=track, beside=more.meetings, initial=initial)
    change = ChangePage(
        enrollment=enrollment,
        heading=_("Move to %(track)s") % {"track": track},
        button=_("Move to %(track)s") % {"track": track},
        action=f"move from {enrollment.track} to {track}",
        query=partial(EnrollmentQuery.for_track, episode, track, now, leaves=enrollment, beside=more),
        earliest=enrollment.earliest_from(today),
    )

    def service() -> Enrollment:
        given = form.cleaned_data
        return transfer_enrollment(
            enrollment=enrollment,
            track=track,
            meetings=list(given["meetings"]),
            starts=given["starts"],
            modality=Modality(given["modality"]),
            by=user,
            now=now,
        )

    def success(starts: date) -> str:
        values = {"track": track, "day": day(starts), "old_track": enrollment.track}
        return _("Moves to %(track)s on %(day)s. The enrollment in %(old_track)s ends the day before.") % values

    return _submit_choice(request, form, change, service, success=success, now=now)


def _submit_choice(
    request: HttpRequest,
    form: MeetingChoiceForm,
    change: ChangePage,
    service: Callable[[], Enrollment],
    *,
    success: Callable[[date], str],
    now: datetime,
    attended: Sequence[int] = (),
) -> HttpResponse:
    """Show the choice of meetings, preview the change, or apply it. `success` takes the first day and returns a message."""
    user, patient, site = signed_in(request), change.enrollment.episode.patient, change.enrollment.episode.site
    context: dict[str, object] = {"change": change, "patient": patient, "site": site, "button": change.button}
    is_submitted = request.method == "POST" and "check" not in request.POST
    submission: Submission[Enrollment] = Submission()
    if is_submitted and form.is_valid():
        starts = form.cleaned_data["starts"]
        scope = SnapshotScope(site, max(starts, site.today_at(now)))
        submission = submit_with_preview(request, service, scope=scope, now=now, action=change.action)
        if submission.saved:
            messages.success(request, success(starts))
            return redirect("patient", patient.pk)
    record(patient, by=user, action=Action.VIEWED, at=now, detail=change.action)
    context |= submission.preview
    context |= meeting_choice_context(
        request, form, change.query, otherwise=change.earliest, refused=submission.reasons, attended=attended
    )
    if request.headers.get("HX-Request"):
        return render(request, "scheduling/enrollment/_meeting_choice.html", context | {"is_part": True})
    status = 422 if is_submitted and not submission.preview else 200
    return render(request, "scheduling/enrollment/enrollment_change.html", context, status=status)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(METHODS)
@transaction.atomic
def enrollment_end(request: HttpRequest, enrollment_id: int) -> HttpResponse:
    """End an enrollment after its last day, and release the later bookings."""
    user, now = signed_in(request), clock.now()
    enrollment = enrollment_managed_by(user, enrollment_id)
    patient, site = enrollment.episode.patient, enrollment.episode.site
    today = site.today_at(now)
    initial = {"last_day": enrollment.earliest_from(today)}
    form = EndingForm(request.POST or None, initial=initial, help_text=_("The patient still attends on this day."))
    page: dict[str, Any] = {
        "heading": _("End enrollment in %(track)s") % {"track": enrollment.track},
        "button": _("End enrollment"),
        "button_tone": "danger",
        "note": _("Enrolled since %(day)s. Bookings after the last day are released.")
        % {"day": day(enrollment.starts)},
        "action": f"end {enrollment.track}",
    }
    if not (request.method == "POST" and form.is_valid()):
        return patient_action_page(request, form, patient=patient, now=now, **page)
    given = form.cleaned_data
    last_day = given["last_day"]
    service = partial(
        end_enrollment, enrollment=enrollment, last_day=last_day, reason=given["reason"], by=user, now=now
    )
    scope = SnapshotScope(site, max(last_day + DAY, enrollment.starts))
    success = _("The enrollment ends after %(day)s. The later spots are free again.") % {"day": day(last_day)}
    return submit_patient_action(request, form, service, patient=patient, scope=scope, success=success, now=now, **page)
