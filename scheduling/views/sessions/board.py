"""The board: a site's sessions as a calendar, as JSON data for this calendar, and as a week to print."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from iopmanager.form_fields import parse_day
from iopmanager.reader import uses_24_hours
from iopmanager.stored_reasons import reason_in_words
from scheduling.filters import SessionFilter
from scheduling.formats import clock_change_text
from scheduling.models import Closure, Session, SessionStatus, Site
from scheduling.services.rulebook import RuleBook
from scheduling.services.sessions.board import Board, BoardSession, MarkedTrack, legend, marked_tracks, read_board
from scheduling.views.current_site import current_site
from timekeeping.intervals import Interval

VIEWS = {
    "day": gettext_lazy("Day"),
    "week": gettext_lazy("Week"),
    "month": gettext_lazy("Month"),
    "list": gettext_lazy("List"),
}
"""The views of the calendar, and the texts of their buttons."""
SCRIPT_TEXTS = {
    "closed": gettext_lazy("Closed: {reason}"),
    "nothing": gettext_lazy("No sessions"),
    "all-day": gettext_lazy("All day"),
    "more": gettext_lazy("+{number} more"),
    "pending": gettext_lazy("{session}: {on}, {times}. Press Enter to continue or Esc to undo the move."),
    "restored": gettext_lazy("{session} is back where it was."),
    "fixed": gettext_lazy("{session} can’t be moved: it has started, or it was held or canceled."),
    "failed": gettext_lazy("The sessions could not be loaded. Reload the page."),
    "shown": gettext_lazy("{view}: {title}"),
    "timed": gettext_lazy("Times"),
    "events": gettext_lazy("Sessions"),
    "go-to": gettext_lazy("Go to {on}"),
    "more-hint": gettext_lazy("Show {number} more"),
    "close": gettext_lazy("Close"),
    "am": gettext_lazy("AM"),
    "pm": gettext_lazy("PM"),
}
"""Texts of the script that draws the calendar. The script replaces the names in braces with values."""
MAX_DAYS = 42
"""Maximum number of days in one request: six weeks, as in the month view."""
WORKDAYS = 5


@dataclass(frozen=True)
class BoardQuery:
    """The user, the current site, the filter for the site's sessions, and the time of the request."""

    user: User
    site: Site
    filter: SessionFilter
    now: datetime

    @classmethod
    def by(cls, request: HttpRequest) -> "BoardQuery":
        user, site = signed_in(request), current_site(request)
        forbid_unless(user.may(Permission.SEE_TIMETABLE, site.pk))
        return cls(user, site, SessionFilter(request.GET, site=site, user=user), clock.now())

    @property
    def today(self) -> date:
        return self.site.today_at(self.now)

    def board(self, span: Interval[date], marked: tuple[MarkedTrack, ...]) -> Board:
        return read_board(site=self.site, span=span, sessions=self.filter.qs, marked=marked, by=self.user, now=self.now)


@staff_required(Permission.SEE_TIMETABLE)
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """Show the calendar, which a script draws, and one week as HTML for browsers without scripts.

    `?date=` and `?view=` say which day and view are shown first. The default date is today.
    """
    query = BoardQuery.by(request)
    day = parse_day(request.GET.get("date", "")) or query.today
    view = requested if (requested := request.GET.get("view", "")) in VIEWS else ""
    context = _week_context(query, day) | {
        "day": day,
        "view": view,
        "kept": {"date": day.isoformat(), "view": view},
        "views": VIEWS.items(),
        "texts": SCRIPT_TEXTS,
        "uses_24_hours": uses_24_hours(),
        "may_manage": query.user.may(Permission.MANAGE_TIMETABLE, query.site.pk),
    }
    return render(request, "scheduling/sessions/board.html", context)


@staff_required(Permission.SEE_TIMETABLE)
@require_safe
def board_print(request: HttpRequest) -> HttpResponse:
    """Show one week of the board for printing. `?week=` is any date in the week; the default is this week."""
    query = BoardQuery.by(request)
    day = parse_day(request.GET.get("week", "")) or query.today
    context = _week_context(query, day) | {"kept": {"week": day.isoformat()}}
    return render(request, "scheduling/sessions/board_print.html", context)


def _week_context(query: BoardQuery, day: date) -> dict[str, object]:
    """Build the context of the week that contains the day, without weekend days that have no entries."""
    first = RuleBook.of(query.site).week_of(day)
    span = Interval(first, first + timedelta(weeks=1))
    marked = marked_tracks(query.site)
    days = query.board(span, marked).days()
    return {
        "site": query.site,
        "filter": query.filter,
        "legend": legend(marked),
        "first": first,
        "last_day": span.end - timedelta(days=1),
        "previous": first - timedelta(weeks=1),
        "following": span.end,
        "is_this_week": span.contains(query.today),
        "today": query.today,
        "days": [each for each in days if each.on.weekday() < WORKDAYS or not each.is_empty],
    }


@staff_required(Permission.SEE_TIMETABLE)
@require_safe
def board_sessions(request: HttpRequest) -> HttpResponse:
    """Return the calendar's events in [`?start=`, `?end=`) as JSON, with times in the site's time zone."""
    query = BoardQuery.by(request)
    start, end = parse_day(request.GET.get("start", "")), parse_day(request.GET.get("end", ""))
    if start is None or end is None or not timedelta() < end - start <= timedelta(days=MAX_DAYS):
        text = _("start and end are dates such as 2026-11-23, at most %(days)d days apart.")
        return HttpResponseBadRequest(text % {"days": MAX_DAYS})
    if not query.filter.form.is_valid():
        return HttpResponseBadRequest(_("track, room and facilitator must belong to the site."))
    found = query.board(Interval(start, end), marked_tracks(query.site))
    notes = [_closure_event(each) for each in found.closures] + [
        {"kind": "clocks", "id": f"clocks-{change.on}", "title": clock_change_text(change), "start": f"{change.on}"}
        | {"allDay": True, "editable": False}
        for change in found.clock_changes
    ]
    return JsonResponse(notes + [_session_event(each) for each in found.entries], safe=False)


def _closure_event(closure: Closure) -> dict[str, object]:
    return {
        "kind": "closure",
        "id": f"closure-{closure.pk}",
        "title": closure.reason,
        "start": closure.starts.isoformat(),
        "end": closure.ends.isoformat(),
        "allDay": True,
        "display": "background",
        "editable": False,
    }


def _session_state(session: Session) -> str:
    """Describe a session in a phrase: how many spots are taken, or that it is canceled."""
    if session.status == SessionStatus.CANCELLED:
        reason = reason_in_words(session.cancel_reason)
        return _("Canceled: %(reason)s") % {"reason": reason} if reason else _("Canceled")
    spots = ngettext("%(booked)d of %(places)d spot", "%(booked)d of %(places)d spots", session.places)
    text = spots % {"booked": session.booked, "places": session.places}
    return f"{text} · {_('changed for this date')}" if session.is_changed else text


def _session_event(entry: BoardSession) -> dict[str, object]:
    session = entry.session
    return {
        "kind": "session",
        "id": f"session-{session.pk}",
        "title": session.name,
        "start": entry.starts.isoformat(timespec="minutes"),
        "end": entry.ends.isoformat(timespec="minutes"),
        "url": reverse("session", args=[session.pk]),
        "where": entry.where,
        "room_id": session.room_id,
        "leads": entry.leads,
        "assists": list(entry.assists),
        "booked": session.booked,
        "places": session.places,
        "status": session.status,
        "state": _session_state(session),
        "tracks": [
            {"letters": each.mark.letters, "colour": each.mark.color, "name": each.track.name} for each in entry.tracks
        ],
        "editable": entry.movable,
        "move_url": reverse("session-move", args=[session.pk]) if entry.movable else "",
    }
