"""Enroll a patient in all or enough of a track's meetings, and end it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.audit import record
from accounts.models import Action, User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from iopmanager.days import read_day
from patients.forms import EndingForm
from patients.models import Episode
from patients.views.access import patient_managed_by
from patients.views.answers import form_page
from scheduling.domain.fit import Fit, Need, search
from scheduling.domain.reasons import Reason, Refused
from scheduling.forms.enrolling import EnrollForm
from scheduling.models import Enrollment, Meeting, Modality, Track
from scheduling.services.choosing import Trial, places_left, try_choice
from scheduling.services.enrolling import end_enrollment, enroll_patient
from scheduling.services.fitting import as_offer, full_dates, need_of
from scheduling.templatetags.words import day
from scheduling.views.finding import by_meeting, episode_to_schedule
from scheduling.views.refusals import show_refusal

ENOUGH = "enough"


@dataclass(frozen=True)
class Option:
    """A meeting that can be chosen: how many places its fullest date has, and what stands against it."""

    meeting: Meeting
    is_chosen: bool
    places_left: int
    reasons: Sequence[Reason]


@dataclass(frozen=True)
class Asked:
    """A patient and the track asked for from a day; the track comes with all that its fit is judged by."""

    episode: Episode
    track: Track
    today: date
    need: Need
    full: dict[int, tuple[date, ...]]
    fit: Fit

    @classmethod
    def of(cls, episode: Episode, track: Track, today: date, from_day: date) -> "Asked":
        """Raises Refused when the course of care is over by then."""
        need = need_of(episode=episode, from_day=from_day)
        full = full_dates(site=track.site, from_day=max(from_day, today))
        return cls(episode, track, today, need, full, search([as_offer(track, from_day, full)], need)[0])

    def try_out(self, chosen: Sequence[Meeting]) -> Trial:
        return try_choice(episode=self.episode, track=self.track, meetings=chosen, need=self.need, full=self.full)

    def options(self, chosen: Sequence[Meeting]) -> list[Option]:
        keys = {offered.meeting.key for offered in self.fit.offer.meetings}
        meetings = [each for each in self.track.meetings.all() if each.pk in keys]
        left = places_left(meetings=[each.pk for each in meetings], from_day=max(self.fit.starts, self.today))
        against = {meeting.key: reasons for meeting, reasons in by_meeting(self.fit.obstacles)}
        return [
            Option(each, each in chosen, left.get(each.pk, each.places), against.get(each.pk, ()))
            for each in sorted(meetings, key=lambda meeting: (meeting.weekday, meeting.starts, meeting.pk))
        ]


def _tracks_seen_by(user: User) -> QuerySet[Track]:
    return (
        Track.objects.visible_to(user)
        .on_offer()
        .select_related("site")
        .prefetch_related("cohort_starts", "meetings__service_type", "meetings__meeting_facilitators", "meetings__room")
    )


def _asked_day(request: HttpRequest, otherwise: date) -> date:
    """The day in `?from=`; nonsense is taken for the earliest."""
    return read_day(request.GET.get("from", "")) or otherwise


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def enroll(request: HttpRequest, patient_id: int, track_id: int) -> HttpResponse:
    """Choose a first day and all or enough of the track's meetings, see what that comes to, and enroll."""
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    today = now.astimezone(patient.site.zone).date()
    track = get_object_or_404(_tracks_seen_by(user), pk=track_id, site=patient.site_id)
    episode = episode_to_schedule(patient, today)
    if episode is None:
        messages.warning(request, "There is no course of care to enroll in: admit first.")
        return redirect("level-new", patient.pk)
    form = EnrollForm(request.POST or None, track=track)
    is_sent = request.method == "POST" and "check" not in request.POST
    refused: Sequence[Reason] = ()
    if is_sent and form.is_valid():
        try:
            starts = _enroll(form, episode, track, user, now)
        except Refused as against:
            refused = against.reasons
        else:
            messages.success(request, f"Enrolled from {day(starts)}. Every session up to the horizon is booked.")
            return redirect("patient", patient.pk)
    record(patient, by=user, action=Action.VIEWED, at=now, detail=f"enroll in {track}")
    context = _context(request, form, episode, track, today, refused)
    if request.headers.get("HX-Request"):
        return render(request, "scheduling/_choice.html", context | {"is_part": True})
    return render(request, "scheduling/enroll.html", context, status=422 if is_sent else 200)


def _enroll(form: EnrollForm, episode: Episode, track: Track, user: User, now: datetime) -> date:
    """The first day of the enrollment. Raises Refused as the service does."""
    given = form.cleaned_data
    enrollment = enroll_patient(
        episode=episode,
        track=track,
        meetings=list(given["meetings"]),
        starts=given["starts"],
        modality=Modality(given["modality"]),
        by=user,
        now=now,
    )
    return enrollment.starts


def _context(
    request: HttpRequest, form: EnrollForm, episode: Episode, track: Track, today: date, refused: Sequence[Reason]
) -> dict[str, object]:
    """The form as it was opened or changed, and what its choice comes to."""
    context: dict[str, object] = {"patient": episode.patient, "track": track, "form": form, "reasons": refused}
    earliest = max(today, episode.starts)
    typed = {}
    if form.is_bound:
        form.full_clean()
        typed = form.cleaned_data
    from_day = typed.get("starts") or (earliest if form.is_bound else _asked_day(request, earliest))
    try:
        asked = Asked.of(episode, track, today, from_day)
    except Refused as unable:
        form.initial = {"starts": from_day}
        return context | {"reasons": refused or unable.reasons}
    if form.is_bound:
        chosen = list(typed.get("meetings") or ())
    else:
        wanted = (request.GET.get("choice") == ENOUGH and asked.fit.enough) or asked.fit.choice
        keys = {meeting.key for meeting in wanted}
        chosen = [each for each in track.meetings.all() if each.pk in keys]
        form.initial = {"starts": asked.fit.starts}
    return context | {"options": asked.options(chosen), "trial": asked.try_out(chosen)}


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def enrollment_end(request: HttpRequest, enrollment_id: int) -> HttpResponse:
    """Ends a standing place after a day and gives back its later places."""
    user, now = signed_in(request), clock.now()
    found = Enrollment.objects.visible_to(user).select_related("episode__patient__site", "track")
    enrollment = get_object_or_404(found, pk=enrollment_id)
    patient = enrollment.episode.patient
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, patient.site_id))
    today = now.astimezone(patient.site.zone).date()
    initial = {"last_day": max(today, enrollment.starts)}
    form = EndingForm(request.POST or None, initial=initial, help_text="They still come on this day.")
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            end_enrollment(enrollment=enrollment, last_day=given["last_day"], reason=given["reason"], by=user, now=now)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(
                request, f"The enrollment ends after {day(given['last_day'])}. Later places are free again."
            )
            return redirect("patient", patient.pk)
    record(enrollment, by=user, action=Action.VIEWED, at=now, detail="end")
    note = f"In it since {day(enrollment.starts)}. Bookings after the last day are released."
    heading = f"End {enrollment.track}"
    return form_page(request, form, heading=heading, save="End enrollment", patient=patient, note=note)
