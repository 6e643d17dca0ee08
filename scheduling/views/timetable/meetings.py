"""Add, change and end weekly meetings. A preview first shows which patients are affected."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from iopmanager.form_fields import parse_number
from scheduling.domain.hours.reasons import FacilitatorDoubleBooked, RoomDoubleBooked
from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.formats import clock as clock_text
from scheduling.formats import day, weekday, weekdays
from scheduling.forms.timetable.meetings import MeetingEndForm, MeetingForm, NewMeetingForm
from scheduling.models import Closure, Meeting, ServiceType, Site, Track
from scheduling.models.session import SessionQuerySet
from scheduling.services.bookings.horizon import horizon_end
from scheduling.services.bookings.meeting_changes import changed_sessions_from
from scheduling.services.rulebook import RuleBook
from scheduling.services.timetable.deviations import Deviation, deviation_of, prefetch_for_deviations
from scheduling.services.timetable.hours_check import room_and_staff_conflicts
from scheduling.services.timetable.meetings import (
    change_meeting,
    change_start,
    create_meetings,
    end_meeting,
    meeting_scope,
)
from scheduling.services.timetable.tracks import track_verdict, with_meetings
from scheduling.services.timetable.values import MeetingValues
from scheduling.views.preview.confirmation import next_url, redirect_to_next, submit_with_preview
from scheduling.views.timetable.tracks import track_managed_by
from timekeeping.occurrences import ClockEffect, at_wall_clock, times_hit_by_clock_change

METHODS = ["GET", "HEAD", "POST"]
DAY = timedelta(days=1)
GROUP_THERAPY = "group"
"""Code of the service that is proposed for the first group of a track."""
SHOWN, KEEP = "shown", "keep"
"""Names of form fields: ids of the changed sessions on the page, and ids of the sessions that keep their changes."""


@dataclass(frozen=True)
class ChangedSessions:
    """The sessions of a meeting, from a date on, that were changed by hand.

    `kept` has the ids of the sessions that keep their changes.
    """

    deviations: Sequence[Deviation] = ()
    kept: frozenset[int] = frozenset()
    were_shown: bool = True
    """Whether the submitted form listed exactly these sessions."""

    @property
    def reset(self) -> frozenset[int]:
        """Ids of the sessions that lose their changes and follow the meeting again."""
        return frozenset(each.session.pk for each in self.deviations) - self.kept


def _read_decisions(request: HttpRequest, sessions: SessionQuerySet) -> ChangedSessions:
    """Read from the form which sessions keep their changes. Sessions that the user has not seen also keep their changes."""
    shown, keep = (
        {pk for text in request.POST.getlist(name) if (pk := parse_number(text)) is not None} for name in (SHOWN, KEEP)
    )
    sessions = prefetch_for_deviations(sessions).order_by("pattern_date", "starts")
    deviations = [deviation_of(session) for session in sessions]
    keys = {each.session.pk for each in deviations}
    return ChangedSessions(deviations, frozenset(keys - (shown - keep)), were_shown=keys == shown)


def _meeting_managed_by(user: User, meeting_id: int) -> Meeting:
    """Return a group meeting that the user may change. Meetings for individual sessions are changed in their enrollment."""
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
    """Render the effects of the meeting in the form: the track's weekly hours, and room and staff conflicts.

    Fields that are still invalid are ignored.
    """
    track = track_managed_by(signed_in(request), track_id)
    key = request.GET.get("meeting", "")
    form = (MeetingForm if key else NewMeetingForm)(request.GET, site=track.site)
    context = _meter_context(track, form, key)
    conflicts = room_and_staff_conflicts(
        _typed_meetings(form, key), site=track.site, today=clock.today(track.site.zone)
    )
    context |= {
        "is_update": True,
        "room_conflicts": [each for each in conflicts if isinstance(each, RoomDoubleBooked)],
        "staff_conflicts": [each for each in conflicts if isinstance(each, FacilitatorDoubleBooked)],
    }
    return render(request, "scheduling/timetable/_hours_meter.html", context)


def _meter_context(track: Track, form: MeetingForm, key: str) -> dict[str, object]:
    """Compute the track's weekly hours, including the meeting in the form.

    `key` is the id of an existing meeting, or empty for a new meeting.
    """
    book, on = RuleBook.of(track.site), clock.today(track.site.zone)
    candidates: Sequence[WeeklyMeeting] = ()
    if form.is_bound:
        candidates = _typed_meetings(form, key)
        on = max(on, form.cleaned_data.get("runs_from") or on)
    verdict = track_verdict(track=track, on=on, book=book, candidates=candidates)
    return {"verdict": verdict, "rules": book.on(on), "track": track}


def _typed_meetings(form: MeetingForm, key: str) -> list[WeeklyMeeting]:
    """Return the meetings in the form, one for each chosen weekday. If the times are invalid, return none."""
    form.is_valid()
    given = form.cleaned_data
    if not {"weekday", "starts", "ends"} <= given.keys() or given["starts"] >= given["ends"]:
        return []
    days = given["weekday"] if isinstance(given["weekday"], list) else [given["weekday"]]
    number = parse_number(key)
    return [_typed_meeting(form, f"typed-{day}" if number is None else number, day) for day in days]


def _typed_meeting(form: MeetingForm, key: int | str, day: int) -> WeeklyMeeting:
    given = form.cleaned_data
    people = [given.get("lead"), *given.get("assistants", ())]
    last_day = given.get("last_day")
    pause = (given.get("break_starts"), given.get("break_ends")) if "break_starts" not in form.errors else (None, None)
    return WeeklyMeeting(
        key=key,
        name=given.get("name", ""),
        weekday=day,
        starts=given["starts"],
        ends=given["ends"],
        break_starts=pause[0] if all(pause) else None,
        break_ends=pause[1] if all(pause) else None,
        anchor=given.get("anchor") if given.get("every") == "other" else None,
        countable=given["service_type"].countable if given.get("service_type") else True,
        room=given["room"].pk if given.get("room") else None,
        facilitators=frozenset(person.pk for person in people if person),
        runs_from=given.get("runs_from"),
        runs_until=last_day + DAY if last_day else None,
    )


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(METHODS)
def meeting_new(request: HttpRequest, track_id: int) -> HttpResponse:
    """Add a weekly meeting to a track."""
    user, now = signed_in(request), clock.now()
    track = track_managed_by(user, track_id)
    site, today = track.site, clock.today(track.site.zone)
    form = NewMeetingForm(request.POST or None, site=site, initial=_initial_values(track, today))
    context: dict[str, object] = {
        "heading": _("New group in %(track)s") % {"track": track.name},
        "button": _("Add group"),
        "track": track,
    }
    if not (request.method == "POST" and form.is_valid()):
        return _page(request, form, site, context)
    values = form.weekly_values()
    context["notes"] = list(
        dict.fromkeys(note for each in values for note in _clock_change_notes(each, site, today, today))
    )
    service = partial(create_meetings, site=site, values=values, by=user, now=now)
    scope, action = meeting_scope(site, now), f"adding {values[0].name}"
    submission = submit_with_preview(request, service, scope=scope, now=now, action=action, form=form)
    if submission.saved:
        messages.success(request, _added_text(values))
        return redirect_to_next(request, "track", track.pk)
    return _page(request, form, site, context | dict(submission.preview))


def _initial_values(track: Track, today: date) -> dict[str, object]:
    """Propose values for a new group, based on the track's current groups. If it has none, propose defaults."""
    groups = [each for each in track.meetings.all() if each.runs_until is None or each.runs_until > today]
    values: dict[str, object] = {"tracks": [track.pk], "runs_from": today, "places": 10}
    if groups:
        values["runs_from"] = max(today, min(each.runs_from for each in groups))
        values |= {"service_type": groups[0].service_type_id, "places": groups[0].places}
    else:
        values["service_type"] = ServiceType.objects.filter(code=GROUP_THERAPY).first()
    return values


def _added_text(values: Sequence[MeetingValues]) -> str:
    first = values[0]
    shown = {"group": first.name, "on": day(first.runs_from)}
    if len(values) == 1:
        text = _("%(group)s is added: every %(weekday)s from %(on)s.")
        return text % (shown | {"weekday": weekday(first.weekday)})
    text = _("%(group)s is added on %(weekdays)s, from %(on)s.")
    return text % (shown | {"weekdays": weekdays(each.weekday for each in values)})


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(METHODS)
def meeting_edit(request: HttpRequest, meeting_id: int) -> HttpResponse:
    """Change a meeting from a date on.

    If later sessions were changed by hand, the user chooses which of them keep their changes.
    """
    user, now = signed_in(request), clock.now()
    meeting = _meeting_managed_by(user, meeting_id)
    site, today = meeting.site, clock.today(meeting.site.zone)
    form = MeetingForm(request.POST or None, site=site, meeting=meeting)
    is_valid = request.method == "POST" and form.is_valid()
    typed: date = (form.is_bound and form.cleaned_data.get("runs_from")) or meeting.runs_from
    change_from = change_start(meeting=meeting, runs_from=typed, now=now)
    form.initial["runs_from"] = starts = change_from or typed
    decided = _read_decisions(request, changed_sessions_from(meeting, change_from, now))
    context: dict[str, object] = {
        "heading": _("Edit %(group)s") % {"group": meeting.name},
        "button": _("Save group"),
        "meeting": meeting,
    }
    context |= {"track": _first_track(meeting), "decided": decided, "from_day": max(starts, today)}
    if not is_valid:
        return _page(request, form, site, context)
    values = form.values()
    context["notes"] = [
        *(
            [_("The change starts on %(on)s. Earlier sessions do not change.") % {"on": day(starts)}]
            if starts != typed
            else []
        ),
        *_clock_change_notes(values, site, max(starts, today), today),
    ]
    submission = submit_with_preview(
        request,
        partial(change_meeting, meeting=meeting, values=values, by=user, now=now, let_go=decided.reset),
        scope=meeting_scope(site, now),
        now=now,
        action=f"changing {meeting}",
        form=form,
        preview_only=not decided.were_shown,
    )
    if submission.saved:
        changed = submission.saved.value
        messages.success(
            request, _("%(group)s changes from %(on)s.") % {"group": changed, "on": day(max(starts, today))}
        )
        return _redirect_to_track(request, changed)
    return _page(request, form, site, context | dict(submission.preview))


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(METHODS)
def meeting_end(request: HttpRequest, meeting_id: int) -> HttpResponse:
    """End a meeting.

    If later sessions were changed by hand, the user chooses which of them are still held.
    """
    user, now = signed_in(request), clock.now()
    meeting = _meeting_managed_by(user, meeting_id)
    site = meeting.site
    form = MeetingEndForm(request.POST or None)
    context: dict[str, object] = {
        "heading": _("End %(group)s") % {"group": meeting.name},
        "button": _("End group"),
        "button_tone": "danger",
        "meeting": meeting,
    }
    context |= {"track": _first_track(meeting), "is_end": True}
    if not (request.method == "POST" and form.is_valid()):
        return _page(request, form, site, context)
    last_day: date = form.cleaned_data["last_day"]
    decided = _read_decisions(request, changed_sessions_from(meeting, last_day + DAY, now))
    context |= {"decided": decided, "from_day": last_day + DAY}
    submission = submit_with_preview(
        request,
        partial(end_meeting, meeting=meeting, last_day=last_day, by=user, now=now, let_go=decided.reset),
        scope=meeting_scope(site, now),
        now=now,
        action=f"ending {meeting}",
        form=form,
        preview_only=not decided.were_shown,
    )
    if submission.saved:
        messages.success(request, _("%(group)s: the last day is %(on)s.") % {"group": meeting, "on": day(last_day)})
        return _redirect_to_track(request, meeting)
    return _page(request, form, site, context | dict(submission.preview))


def _clock_change_notes(values: MeetingValues, site: Site, first: date, today: date) -> list[str]:
    """Describe how clock changes affect the meeting's sessions between `first` and the booking horizon."""
    until = horizon_end(today)
    closed = [each.as_interval() for each in Closure.objects.filter(site=site).overlapping(first, until)]
    affected = times_hit_by_clock_change(values.as_pattern(), first, until, zone=site.zone, closed=closed)
    return [_clock_change_note(values, site, on, wall, effect) for on, wall, effect in affected]


def _clock_change_note(values: MeetingValues, site: Site, on: date, wall: time, effect: ClockEffect) -> str:
    shown = {"on": day(on), "time": clock_text(wall)}
    if effect == ClockEffect.REPEATED:
        return _("Clocks go back on %(on)s, so %(time)s comes twice. The first one counts.") % shown
    if at_wall_clock(on, values.starts, site.zone) >= at_wall_clock(on, values.ends, site.zone):
        return _("Clocks go forward past %(time)s on %(on)s. No time is left for the group, so it is not held.") % shown
    shown["later"] = clock_text(at_wall_clock(on, wall, site.zone), site.zone)
    return _("Clocks go forward past %(time)s on %(on)s. It becomes %(later)s on that day.") % shown


def _first_track(meeting: Meeting) -> Track | None:
    return with_meetings(Track.objects.filter(meetings=meeting)).select_related("site").first()


def _redirect_to_track(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    first = _first_track(meeting)
    return redirect_to_next(request, "track", first.pk) if first else redirect_to_next(request, "tracks")


def _page(
    request: HttpRequest, form: MeetingForm | MeetingEndForm, site: Site, context: dict[str, object]
) -> HttpResponse:
    """Render the form. A form for adding or changing a meeting is shown with the weekly hours of its track."""
    track, meeting = context["track"], context.get("meeting")
    context = {"form": form, "site": site, "next": next_url(request)} | context
    if isinstance(form, MeetingForm) and isinstance(track, Track):
        context |= _meter_context(track, form, str(meeting.pk) if isinstance(meeting, Meeting) else "")
    return render(request, "scheduling/timetable/meeting_form.html", context, status=422 if form.errors else 200)
