"""Tracks and their weekly meetings, for those who plan them."""

from dataclasses import dataclass
from datetime import date

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from scheduling.domain.hours import RuleSet, Verdict, WeeklyMeeting
from scheduling.domain.reasons import Reason
from scheduling.forms.timetable import MeetingEndForm, MeetingForm, TrackForm
from scheduling.models import Meeting, Site, Track
from scheduling.services.refused import Refused
from scheduling.services.rules import RuleBook
from scheduling.services.timetable import (
    change_meeting,
    change_track,
    create_meeting,
    create_track,
    end_meeting,
    publish_track,
    track_verdict,
    with_meetings,
)
from scheduling.services.waiting import numbers_waiting
from scheduling.views.current import current_site


@dataclass(frozen=True)
class TrackRow:
    """A track, what its meetings add up to, and how many wait for it, if they may be seen."""

    track: Track
    verdict: Verdict
    waiting: int = 0


def _track_seen_by(user: User, track_id: int) -> Track:
    running = Meeting.objects.select_related("room", "service_type").prefetch_related(
        "meeting_facilitators__user", "tracks"
    )
    tracks = with_meetings(Track.objects.visible_to(user)).select_related("site")
    return get_object_or_404(tracks.prefetch_related(None).prefetch_related(Prefetch("meetings", running)), pk=track_id)


def _track_managed_by(user: User, track_id: int) -> Track:
    track = _track_seen_by(user, track_id)
    forbid_unless(user.may(Permission.MANAGE_TIMETABLE, track.site_id))
    return track


def _meeting_managed_by(user: User, meeting_id: int) -> Meeting:
    meetings = (
        Meeting.objects.visible_to(user).select_related("site").prefetch_related("meeting_facilitators__user", "tracks")
    )
    meeting = get_object_or_404(meetings, pk=meeting_id)
    forbid_unless(user.may(Permission.MANAGE_TIMETABLE, meeting.site_id))
    return meeting


@staff_required(Permission.SEE_TIMETABLE)
@require_safe
def tracks(request: HttpRequest) -> HttpResponse:
    user, site = signed_in(request), current_site(request)
    today, book = clock.today(site.zone), RuleBook.of(site)
    found = with_meetings(Track.objects.visible_to(user).filter(site=site)).order_by("status", "name")
    waiting = _numbers_waiting(user, site)
    context = {
        "rows": [
            TrackRow(track, track_verdict(track=track, on=today, book=book), waiting.get(track.pk, 0))
            for track in found
        ],
        "rules": book.on(today),
        "may_manage": user.may(Permission.MANAGE_TIMETABLE, site.pk),
    }
    return render(request, "scheduling/tracks.html", context)


def _numbers_waiting(user: User, site: Site) -> dict[int, int]:
    return numbers_waiting(site=site) if user.may(Permission.SEE_PATIENTS, site.pk) else {}


def _week_context(track: Track, today: date) -> dict[str, object]:
    """The week grid and the meter of a track."""
    book = RuleBook.of(track.site)
    to_come = [meeting for meeting in track.meetings.all() if meeting.runs_until is None or meeting.runs_until > today]
    return {
        "track": track,
        "today": today,
        "days": [(day, [meeting for meeting in to_come if meeting.weekday == day]) for day in range(7)],
        "verdict": track_verdict(track=track, on=today, book=book),
        "rules": book.on(today),
    }


@staff_required(Permission.SEE_TIMETABLE)
@require_safe
def track(request: HttpRequest, track_id: int) -> HttpResponse:
    user = signed_in(request)
    found = _track_seen_by(user, track_id)
    context = _week_context(found, clock.today(found.site.zone))
    context["may_manage"] = user.may(Permission.MANAGE_TIMETABLE, found.site_id)
    context["may_end"] = user.may(Permission.MANAGE_PATIENTS, found.site_id)
    context["sees_waiting"] = user.may(Permission.SEE_PATIENTS, found.site_id)
    context["waiting"] = _numbers_waiting(user, found.site).get(found.pk, 0)
    return render(request, "scheduling/track.html", context)


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(["GET", "HEAD", "POST"])
def track_new(request: HttpRequest) -> HttpResponse:
    user, site = signed_in(request), current_site(request)
    forbid_unless(user.may(Permission.MANAGE_TIMETABLE, site.pk))
    form = TrackForm(request.POST or None, site=site)
    if request.method == "POST" and form.is_valid():
        made = create_track(site=site, values=form.values(), by=user, now=clock.now())
        messages.success(request, f"{made} is a draft. Add its meetings, then publish it.")
        return redirect("track", made.pk)
    return _form(request, form, heading="New track", button="Make the draft")


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(["GET", "HEAD", "POST"])
def track_edit(request: HttpRequest, track_id: int) -> HttpResponse:
    user = signed_in(request)
    found = _track_managed_by(user, track_id)
    form = TrackForm(request.POST or None, site=found.site, track=found)
    reasons: tuple[Reason, ...] = ()
    if request.method == "POST" and form.is_valid():
        try:
            today = clock.today(found.site.zone)
            change_track(track=found, values=form.values(), by=user, now=clock.now(), today=today)
            return redirect("track", found.pk)
        except Refused as refused:
            reasons = refused.reasons
    return _form(request, form, heading=f"Edit {found.name}", button="Keep the changes", track=found, reasons=reasons)


@staff_required(Permission.MANAGE_TIMETABLE)
@require_POST
def track_publish(request: HttpRequest, track_id: int) -> HttpResponse:
    user = signed_in(request)
    found = _track_managed_by(user, track_id)
    today = clock.today(found.site.zone)
    try:
        publish_track(track=found, by=user, now=clock.now(), today=today)
    except Refused as refused:
        context = _week_context(found, today) | {"may_manage": True, "reasons": refused.reasons}
        return render(request, "scheduling/track.html", context, status=422)
    messages.success(request, f"{found} is published; its sessions are on the calendar.")
    return redirect("track", found.pk)


@staff_required(Permission.MANAGE_TIMETABLE)
@require_safe
def track_meter(request: HttpRequest, track_id: int) -> HttpResponse:
    """The track's hours with the meeting as it is being typed; what can't be read yet is left out."""
    found = _track_managed_by(signed_in(request), track_id)
    today, book = clock.today(found.site.zone), RuleBook.of(found.site)
    candidate = _typed_meeting(MeetingForm(request.GET, site=found.site), request.GET.get("meeting", ""))
    verdict = track_verdict(track=found, on=today, book=book, candidate=candidate)
    return render(request, "scheduling/_meter.html", {"verdict": verdict, "rules": book.on(today), "track": found})


def _typed_meeting(form: MeetingForm, key: str) -> WeeklyMeeting | None:
    form.is_valid()
    given = form.cleaned_data
    if not {"weekday", "starts", "ends"} <= given.keys() or given["starts"] >= given["ends"]:
        return None
    pause = (given.get("break_starts"), given.get("break_ends")) if "break_starts" not in form.errors else (None, None)
    return WeeklyMeeting(
        key=int(key) if key.isdecimal() else "typed",
        name=given.get("name", ""),
        weekday=given["weekday"],
        starts=given["starts"],
        ends=given["ends"],
        break_starts=pause[0] if all(pause) else None,
        break_ends=pause[1] if all(pause) else None,
        anchor=given.get("anchor") if given.get("every") == "other" else None,
        countable=given["service_type"].countable if given.get("service_type") else True,
    )


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(["GET", "HEAD", "POST"])
def meeting_new(request: HttpRequest, track_id: int) -> HttpResponse:
    user = signed_in(request)
    found = _track_managed_by(user, track_id)
    today = clock.today(found.site.zone)
    form = MeetingForm(request.POST or None, site=found.site, initial={"tracks": [found.pk], "runs_from": today})
    reasons: tuple[Reason, ...] = ()
    if request.method == "POST" and form.is_valid():
        try:
            create_meeting(site=found.site, values=form.values(), by=user, now=clock.now(), today=today)
            return redirect("track", found.pk)
        except Refused as refused:
            reasons = refused.reasons
    heading = f"New meeting of {found.name}"
    return _meeting_form(request, form, heading=heading, button="Add the meeting", track=found, reasons=reasons)


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(["GET", "HEAD", "POST"])
def meeting_edit(request: HttpRequest, meeting_id: int) -> HttpResponse:
    user = signed_in(request)
    meeting = _meeting_managed_by(user, meeting_id)
    form = MeetingForm(request.POST or None, site=meeting.site, meeting=meeting)
    reasons: tuple[Reason, ...] = ()
    if request.method == "POST" and form.is_valid():
        try:
            today = clock.today(meeting.site.zone)
            changed = change_meeting(meeting=meeting, values=form.values(), by=user, now=clock.now(), today=today)
            return _back_to_track(changed)
        except Refused as refused:
            reasons = refused.reasons
    heading, first = f"Edit {meeting.name}", _first_track(meeting)
    context = {"meeting": meeting, "reasons": reasons, "heading": heading, "button": "Keep the changes"}
    return _meeting_form(request, form, track=first, **context)


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(["GET", "HEAD", "POST"])
def meeting_end(request: HttpRequest, meeting_id: int) -> HttpResponse:
    user = signed_in(request)
    meeting = _meeting_managed_by(user, meeting_id)
    form = MeetingEndForm(request.POST or None)
    reasons: tuple[Reason, ...] = ()
    if request.method == "POST" and form.is_valid():
        try:
            today, last_day = clock.today(meeting.site.zone), form.cleaned_data["last_day"]
            end_meeting(meeting=meeting, last_day=last_day, by=user, now=clock.now(), today=today)
            return _back_to_track(meeting)
        except Refused as refused:
            reasons = refused.reasons
    context = {"track": _first_track(meeting), "reasons": reasons}
    return _form(request, form, heading=f"End {meeting.name}", button="End the meeting", **context)


def _first_track(meeting: Meeting) -> Track | None:
    return with_meetings(Track.objects.filter(meetings=meeting)).select_related("site").first()


def _back_to_track(meeting: Meeting) -> HttpResponse:
    first = _first_track(meeting)
    return redirect("track", first.pk) if first else redirect("tracks")


def _form(request: HttpRequest, form: object, **context: object) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    return render(request, "scheduling/track_form.html", {"form": form, **context}, status=status)


def _meeting_form(request: HttpRequest, form: MeetingForm, *, track: Track | None, **context: object) -> HttpResponse:
    """The form of a meeting beside the meter of its track."""
    if track is not None:
        book, today = RuleBook.of(track.site), clock.today(track.site.zone)
        context |= {"verdict": track_verdict(track=track, on=today, book=book), "rules": book.on(today)}
    context.setdefault("rules", RuleSet())
    status = 422 if request.method == "POST" else 200
    return render(request, "scheduling/meeting_form.html", {"form": form, "track": track, **context}, status=status)
