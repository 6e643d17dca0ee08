"""Create calendar links for patients, staff and tracks, show each link once, and turn links off."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.audit import record
from accounts.models import Action, User
from accounts.permissions import Permission
from accounts.views import confirmed_recently, forbid_unless, patient_required, signed_in, staff_required
from iopmanager import clock
from patients.access import patient_managed_by
from patients.models import Patient
from scheduling.forms.documents.feeds import FeedForm, PatientFeedForm
from scheduling.models import Feed, FeedStyle, Track
from scheduling.services.documents.feeds import create_feed, revoke_feed
from scheduling.views.current_site import current_site


@dataclass(frozen=True)
class FeedAddress:
    """The secret address of a new calendar feed. It can be shown only once."""

    https: str

    @property
    def webcal(self) -> str:
        return "webcal:" + self.https.partition(":")[2]


def _create_feed_from_form(
    request: HttpRequest,
    *,
    form_class: type[FeedForm] = FeedForm,
    patient: Patient | None = None,
    facilitator: User | None = None,
    track: Track | None = None,
) -> tuple[FeedForm, FeedAddress | None]:
    """Return the form, and the address of the new feed if a valid POST created one.

    The address can't be shown again later.
    """
    form = form_class(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return form, None
    _feed, token = create_feed(
        patient=patient,
        facilitator=facilitator,
        track=track,
        style=FeedStyle(form.cleaned_data["style"]),
        label=form.cleaned_data["label"],
        by=signed_in(request),
        now=clock.now(),
    )
    return form_class(), FeedAddress(request.build_absolute_uri(reverse("feed", args=[token])))


def _page(request: HttpRequest, template: str, form: FeedForm, context: Mapping[str, object]) -> HttpResponse:
    """Render the page. No browser may cache it, because it can show the secret address of a feed."""
    answer = render(request, template, {**context, "form": form}, status=422 if form.is_bound else 200)
    add_never_cache_headers(answer)
    return answer


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_recently
@transaction.atomic
def patient_calendar(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Show a patient's calendar links to a coordinator, who can create new links for the patient."""
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    form, address = _create_feed_from_form(request, form_class=PatientFeedForm, patient=patient)
    record(patient, by=user, action=Action.VIEWED, at=now, detail="calendar")
    feeds = Feed.objects.live().filter(patient=patient)
    context = {"patient": patient, "feeds": feeds, "address": address}
    return _page(request, "scheduling/documents/patient_calendar.html", form, context)


@staff_required(Permission.SEE_TIMETABLE)
@require_http_methods(["GET", "HEAD", "POST"])
def staff_calendar(request: HttpRequest) -> HttpResponse:
    """Show the calendar links for the user's own sessions, and create new links."""
    user, zone = signed_in(request), current_site(request).zone
    form, address = _create_feed_from_form(request, facilitator=user)
    feeds = Feed.objects.live().filter(facilitator=user)
    return _page(
        request, "scheduling/documents/staff_calendar.html", form, {"feeds": feeds, "address": address, "zone": zone}
    )


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_recently
def track_calendar(request: HttpRequest, track_id: int) -> HttpResponse:
    """Show the calendar links for a track's sessions, and create new links.

    The feeds behind these links contain the number of patients in each session, but no names.
    """
    user = signed_in(request)
    track = get_object_or_404(Track.objects.visible_to(user), pk=track_id)
    forbid_unless(user.may(Permission.MANAGE_TIMETABLE, track.site_id))
    form, address = _create_feed_from_form(request, track=track)
    feeds = Feed.objects.live().filter(track=track)
    context = {"track": track, "feeds": feeds, "address": address}
    return _page(request, "scheduling/documents/track_calendar.html", form, context)


@staff_required(Permission.SEE_TIMETABLE)
@require_POST
def feed_revoke(request: HttpRequest, feed_id: int) -> HttpResponse:
    user = signed_in(request)
    feed = get_object_or_404(Feed.objects.visible_to(user), pk=feed_id)
    revoke_feed(feed=feed, by=user, now=clock.now())
    messages.success(request, _("The calendar link is turned off."))
    if feed.patient_id is not None:
        return redirect("patient-calendar", feed.patient_id)
    if feed.track_id is not None:
        return redirect("track-calendar", feed.track_id)
    return redirect("staff-calendar")


@patient_required
@require_http_methods(["GET", "HEAD", "POST"])
def portal_calendar(request: HttpRequest) -> HttpResponse:
    """Show patients their own calendar links, and create new links."""
    user = signed_in(request)
    form, address = _create_feed_from_form(request, patient=user.patient)
    feeds = Feed.objects.live().filter(patient=user.patient)
    return _page(request, "scheduling/portal/calendar.html", form, {"feeds": feeds, "address": address})


@patient_required
@require_POST
def portal_feed_revoke(request: HttpRequest, feed_id: int) -> HttpResponse:
    user = signed_in(request)
    feed = get_object_or_404(Feed.objects.visible_to(user), pk=feed_id, patient=user.patient)
    revoke_feed(feed=feed, by=user, now=clock.now())
    messages.success(request, _("The link is turned off. That calendar gets no more updates."))
    return redirect("portal-calendar")
