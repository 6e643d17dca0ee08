"""The weekly meetings of tracks: made, changed from a date, ended. Whom it touches is shown before it is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.formats import clock as clock_words
from scheduling.formats import day, weekday
from scheduling.forms.timetable.tracks_and_meetings import MeetingEndForm, MeetingForm
from scheduling.models import Closure, Meeting, Site, Track
from scheduling.models.session import SessionQuerySet
from scheduling.services.bookings.horizon import horizon_end
from scheduling.services.bookings.meeting_changes import changed_sessions_from
from scheduling.services.rulebook import RuleBook
from scheduling.services.timetable.deviations import Deviation, deviation_of, prefetch_for_deviations
from scheduling.services.timetable.meetings import (
    change_meeting,
    change_start,
    create_meeting,
    end_meeting,
    meeting_scope,
)
from scheduling.services.timetable.tracks import track_verdict, with_meetings
from scheduling.services.timetable.values import MeetingValues
from scheduling.views.preview.confirmation import (
    ActionResult,
    apply_or_preview,
    next_url,
    redirect_to_next,
    summarize_impact,
)
from scheduling.views.refusals import show_refusal
from scheduling.views.timetable.tracks import track_managed_by
from timekeeping.occurrences import ClockEffect, at_wall_clock, times_hit_by_clock_change
from timekeeping.reasons import Refused

METHODS = ["GET", "HEAD", "POST"]
DAY = timedelta(days=1)
SHOWN, KEEP = "shown", "keep"
"""What the forms send of exceptions: those that were shown, and those of them that are to stay."""


@dataclass(frozen=True)
class ChangedSessions:
    """Sessions that were changed by hand after a date, and which of them are to stay as they are."""

    departures: Sequence[Deviation] = ()
    kept: frozenset[int] = frozenset()
    were_shown: bool = True
    """Whether it was these that one was asked about."""

    @property
    def let_go(self) -> frozenset[int]:
        return frozenset(each.session.pk for each in self.departures) - self.kept


def _read_decisions(request: HttpRequest, sessions: SessionQuerySet) -> ChangedSessions:
    """What was decided about the sessions: those that were not shown yet stay as they are."""
    shown, keep = (
        {int(pk) for pk in request.POST.getlist(name) if pk.isascii() and pk.isdecimal()} for name in (SHOWN, KEEP)
    )
    found = [deviation_of(session) for session in prefetch_for_deviations(sessions).order_by("pattern_date", "starts")]
    there = {each.session.pk for each in found}
    return ChangedSessions(found, frozenset(there - (shown - keep)), were_shown=there == shown)


def _meeting_managed_by(user: User, meeting_id: int) -> Meeting:
    """A group: one-to-one times are changed with their enrollment."""
    meetings = (
        Meeting.objects.visible_to(user)
        .filter(kept_for=None)
        .select_related("site")
        .prefetch_related("meeting_facilitators__user", "tracks")
    )
    meeting = get_object_or_404(meetings, pk=meeting_id)
    forbid_unless(user.may(Permission.MANAGE_TIMETABLE, meeting.site_id))
    return meeting


@staff_required(Permission.MANAGE_TIMETABLE)
@require_safe
def track_meter(request: HttpRequest, track_id: int) -> HttpResponse:
    """The track's hours with the meeting as it is being typed; what can't be read yet is left out."""
    found = track_managed_by(signed_in(request), track_id)
    context = _meter_context(found, MeetingForm(request.GET, site=found.site), request.GET.get("meeting", ""))
    return render(request, "scheduling/timetable/_hours_meter.html", context)


def _meter_context(track: Track, form: MeetingForm, key: str) -> dict[str, object]:
    """The track's hours, with what was typed into the form if anything was. `key` is the meeting's id, if it has one."""
    book, today = RuleBook.of(track.site), clock.today(track.site.zone)
    candidate = _typed_meeting(form, key) if form.is_bound else None
    verdict = track_verdict(track=track, on=today, book=book, candidate=candidate)
    return {"verdict": verdict, "rules": book.on(today), "track": track}


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
@require_http_methods(METHODS)
def meeting_new(request: HttpRequest, track_id: int) -> HttpResponse:
    """A weekly meeting more."""
    user, now = signed_in(request), clock.now()
    found = track_managed_by(user, track_id)
    site, today = found.site, clock.today(found.site.zone)
    form = MeetingForm(request.POST or None, site=site, initial={"tracks": [found.pk], "runs_from": today})
    context: dict[str, object] = {
        "heading": f"New meeting of {found.name}",
        "button": "Add the meeting",
        "track": found,
    }
    if not (request.method == "POST" and form.is_valid()):
        return _page(request, form, site, context)
    values = form.values()
    context["notes"] = _clock_change_notes(values, site, today, today)
    act = partial(create_meeting, site=site, values=values, by=user, now=now)
    answer = apply_or_preview(request, act, scene=meeting_scope(site, now), now=now)
    if answer.done is not None:
        messages.success(request, f"{answer.done} is added, {weekday(values.weekday)}s from {day(values.runs_from)}.")
        return redirect_to_next(request, "track", found.pk)
    return _preview_or_refusal(request, form, site, answer, context, now=now, what=f"adding {values.name}")


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(METHODS)
def meeting_edit(request: HttpRequest, meeting_id: int) -> HttpResponse:
    """Another hour, room or anything else from a date on; sessions that were changed by hand after it are asked about."""
    user, now = signed_in(request), clock.now()
    meeting = _meeting_managed_by(user, meeting_id)
    site, today = meeting.site, clock.today(meeting.site.zone)
    form = MeetingForm(request.POST or None, site=site, meeting=meeting)
    is_valid = request.method == "POST" and form.is_valid()
    asked: date = (form.is_bound and form.cleaned_data.get("runs_from")) or meeting.runs_from
    begins = change_start(meeting=meeting, runs_from=asked, now=now)
    form.initial["runs_from"] = holds = begins or asked
    decided = _read_decisions(request, changed_sessions_from(meeting, begins, now))
    context: dict[str, object] = {"heading": f"Edit {meeting.name}", "button": "Keep the changes", "meeting": meeting}
    context |= {"track": _first_track(meeting), "decided": decided, "from_day": max(holds, today)}
    if not is_valid:
        return _page(request, form, site, context)
    values = form.values()
    context["notes"] = [
        *([f"It changes from {day(holds)} on: what was held before stays."] if holds != asked else []),
        *_clock_change_notes(values, site, max(holds, today), today),
    ]
    act = partial(change_meeting, meeting=meeting, values=values, by=user, now=now, let_go=decided.let_go)
    answer = apply_or_preview(request, act, scene=meeting_scope(site, now), now=now, only_look=not decided.were_shown)
    if answer.done is not None:
        messages.success(request, f"{answer.done} is changed from {day(max(holds, today))} on.")
        return _redirect_to_track(request, answer.done)
    return _preview_or_refusal(request, form, site, answer, context, now=now, what=f"changing {meeting}")


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(METHODS)
def meeting_end(request: HttpRequest, meeting_id: int) -> HttpResponse:
    """The last day of a meeting; sessions that were changed by hand after it are asked about."""
    user, now = signed_in(request), clock.now()
    meeting = _meeting_managed_by(user, meeting_id)
    site = meeting.site
    form = MeetingEndForm(request.POST or None)
    context: dict[str, object] = {"heading": f"End {meeting.name}", "button": "End the meeting", "meeting": meeting}
    context |= {"track": _first_track(meeting), "is_end": True}
    if not (request.method == "POST" and form.is_valid()):
        return _page(request, form, site, context)
    last_day: date = form.cleaned_data["last_day"]
    decided = _read_decisions(request, changed_sessions_from(meeting, last_day + DAY, now))
    context |= {"decided": decided, "from_day": last_day + DAY}
    act = partial(end_meeting, meeting=meeting, last_day=last_day, by=user, now=now, let_go=decided.let_go)
    answer = apply_or_preview(request, act, scene=meeting_scope(site, now), now=now, only_look=not decided.were_shown)
    if answer.done is not None:
        messages.success(request, f"{meeting}: the last day is {day(last_day)}.")
        return _redirect_to_track(request, meeting)
    return _preview_or_refusal(request, form, site, answer, context, now=now, what=f"ending {meeting}")


def _clock_change_notes(values: MeetingValues, site: Site, first: date, today: date) -> list[str]:
    """What clock changes do to the sessions of the meeting from a day on to the horizon."""
    until = horizon_end(today)
    closed = [each.as_interval() for each in Closure.objects.filter(site=site).overlapping(first, until)]
    odd = times_hit_by_clock_change(values.as_pattern(), first, until, zone=site.zone, closed=closed)
    return [_clock_change_note(values, site, on, wall, quirk) for on, wall, quirk in odd]


def _clock_change_note(values: MeetingValues, site: Site, on: date, wall: time, quirk: ClockEffect) -> str:
    if quirk == ClockEffect.REPEATED:
        return f"On {day(on)} {clock_words(wall)} comes twice: the first is meant."
    if at_wall_clock(on, values.starts, site.zone) >= at_wall_clock(on, values.ends, site.zone):
        return f"On {day(on)} clocks skip {clock_words(wall)}, and no minute is left: it is not held."
    shown = clock_words(at_wall_clock(on, wall, site.zone), site.zone)
    return f"On {day(on)} clocks skip {clock_words(wall)}: {shown} is meant."


def _first_track(meeting: Meeting) -> Track | None:
    return with_meetings(Track.objects.filter(meetings=meeting)).select_related("site").first()


def _redirect_to_track(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    first = _first_track(meeting)
    return redirect_to_next(request, "track", first.pk) if first else redirect_to_next(request, "tracks")


def _preview_or_refusal[T](
    request: HttpRequest,
    form: MeetingForm | MeetingEndForm,
    site: Site,
    answer: ActionResult[T],
    context: dict[str, object],
    *,
    now: datetime,
    what: str,
) -> HttpResponse:
    """The form again, with what it would do or what stands against it."""
    if answer.impact is None:
        show_refusal(form, Refused(answer.reasons))
        return _page(request, form, site, context)
    told = summarize_impact(answer.impact, site=site, user=signed_in(request), now=now, what=what)
    return _page(request, form, site, context | {"told": told, "is_news": answer.is_news})


def _page(
    request: HttpRequest, form: MeetingForm | MeetingEndForm, site: Site, context: dict[str, object]
) -> HttpResponse:
    """The form, that of a meeting beside the meter of its track."""
    track, meeting = context["track"], context.get("meeting")
    context = {"form": form, "site": site, "next": next_url(request)} | context
    if isinstance(form, MeetingForm) and isinstance(track, Track):
        context |= _meter_context(track, form, str(meeting.pk) if isinstance(meeting, Meeting) else "")
    return render(request, "scheduling/timetable/meeting_form.html", context, status=422 if form.errors else 200)
