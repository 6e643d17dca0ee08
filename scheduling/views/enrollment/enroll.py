"""Enroll a patient in all meetings of a track, or in some of the meetings."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.contrib import messages
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.audit import record
from accounts.models import Action, User
from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from iopmanager import clock
from patients.access import current_or_next_episode, patient_managed_by
from patients.models import Episode
from scheduling.formats import day
from scheduling.forms.enrollment.enroll import EnrollForm
from scheduling.models import Enrollment, Meeting, Modality, Track, WaitingEntry
from scheduling.services.bookings.book import missed_from_the_start
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.enrollment.individual import needs_individual_sessions
from scheduling.services.enrollment.mixed_tracks import cross_track_options
from scheduling.views.enrollment.individual_times import enrollment_time_choices
from scheduling.views.enrollment.meeting_options import EnrollmentQuery, meeting_choice_context
from timekeeping.reasons import Reason, Refused


def tracks_seen_by(user: User) -> QuerySet[Track]:
    meetings = Meeting.objects.select_related("service_type", "room").prefetch_related("meeting_facilitators")
    tracks = Track.objects.visible_to(user).published().select_related("site")
    return tracks.prefetch_related("cohort_starts", Prefetch("meetings", meetings))


def _is_on_waitlist(episode: Episode, track: Track) -> bool:
    return WaitingEntry.objects.open().filter(episode=episode, track=track).exists()


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def enroll(request: HttpRequest, patient_id: int, track_id: int) -> HttpResponse:
    """Choose a first day and meetings of the track, check the resulting week, and enroll the patient."""
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    today = patient.site.today_at(now)
    track = get_object_or_404(tracks_seen_by(user), pk=track_id, site=patient.site_id)
    episode = current_or_next_episode(patient, today)
    if episode is None:
        messages.warning(request, _("This patient has no episode of care. Admit the patient first."))
        return redirect("level-new", patient.pk)
    others = cross_track_options(track)
    form = EnrollForm(request.POST or None, track=track, beside=others.meetings)
    is_submitted = request.method == "POST" and "check" not in request.POST
    refused: Sequence[Reason] = ()
    if is_submitted and form.is_valid():
        try:
            enrollment = _enroll_from_form(form, episode, track, user, now)
        except Refused as refusal:
            refused = refusal.reasons
        else:
            messages.success(request, _success_text(enrollment))
            return redirect("patient", patient.pk)
    record(patient, by=user, action=Action.VIEWED, at=now, detail=f"enroll in {track}")
    query_from = partial(EnrollmentQuery.for_track, episode, track, now, beside=others)
    earliest = episode.earliest_from(today)
    context: dict[str, object] = {"patient": patient, "track": track, "is_waiting": _is_on_waitlist(episode, track)}
    context |= meeting_choice_context(request, form, query_from, otherwise=earliest, refused=refused)
    context |= _individual_times(form, context)
    if request.headers.get("HX-Request"):
        return render(request, "scheduling/enrollment/_meeting_choice.html", context | {"is_part": True})
    return render(request, "scheduling/enrollment/enroll.html", context, status=422 if is_submitted else 200)


def _individual_times(form: EnrollForm, context: dict[str, object]) -> dict[str, object]:
    """List the times at which the patient could have individual sessions in addition to the chosen meetings."""
    query, meetings = context.get("asked"), context.get("chosen")
    if not isinstance(query, EnrollmentQuery) or not isinstance(meetings, list):
        return {}
    chosen_hours = form.cleaned_data.get("individual") if form.is_bound else None
    return {"times": enrollment_time_choices(query, meetings, chosen_hours), "is_later": True}


def _success_text(enrollment: Enrollment) -> str:
    """Return the success message: how many sessions conflict, and whether individual sessions are still needed."""
    values = {"day": day(enrollment.starts)}
    if missed := missed_from_the_start(enrollment).count():
        text = ngettext(
            "Enrolled from %(day)s. All upcoming sessions are booked, except %(number)d that conflicts.",
            "Enrolled from %(day)s. All upcoming sessions are booked, except %(number)d that conflict.",
            missed,
        ) % (values | {"number": missed})
    else:
        text = _("Enrolled from %(day)s. All upcoming sessions are booked.") % values
    if not needs_individual_sessions(enrollment):
        return text
    return f"{text} {_('Individual sessions still need to be scheduled.')}"


def _enroll_from_form(form: EnrollForm, episode: Episode, track: Track, user: User, now: datetime) -> Enrollment:
    """Enroll the patient as entered in the form, which must be valid. Raises Refused as `enroll_patient` does."""
    given = form.cleaned_data
    return enroll_patient(
        episode=episode,
        track=track,
        meetings=list(given["meetings"]),
        starts=given["starts"],
        modality=Modality(given["modality"]),
        individual=given["individual"] or (),
        by=user,
        now=now,
    )
