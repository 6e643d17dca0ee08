"""Days on which a site is closed, by hand or for a public holiday: shown with whom they touch before they are."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from scheduling.formats import counted, day, day_range
from scheduling.forms.sessions.session_changes import ActionForm
from scheduling.forms.timetable.closures import ClosureForm, HolidaysForm
from scheduling.models import Closure, Session, SessionStatus, Site
from scheduling.reason_text import reason_text
from scheduling.services.timetable.closures import (
    Holiday,
    check_restorable,
    close_site,
    closure_scope,
    holidays_at,
    is_known_place,
    lift_closure,
    lift_scope,
)
from scheduling.views.current_site import current_site
from scheduling.views.preview.confirmation import (
    ActionResult,
    apply_or_preview,
    next_url,
    redirect_to_next,
    summarize_impact,
)
from scheduling.views.refusals import show_refusal
from timekeeping.reasons import Refused

METHODS = ["GET", "HEAD", "POST"]
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class HolidayRow:
    """A public holiday, and how many sessions are planned on it."""

    holiday: Holiday
    sessions: int


@staff_required(Permission.SEE_TIMETABLE)
@require_http_methods(METHODS)
def closures(request: HttpRequest) -> HttpResponse:
    """The current site's closed days and the public holidays of the next twelve months; a post closes the site.

    `?country=` and `?state=` show the holidays of another place.
    """
    user, site = signed_in(request), current_site(request)
    may_manage = user.may(Permission.MANAGE_TIMETABLE, site.pk)
    if request.method == "POST":
        forbid_unless(may_manage)
        return _submit_closure(request, site)
    today = clock.today(site.zone)
    country, state = _holiday_region(request, site)
    found = Closure.objects.visible_to(user).filter(site=site).annotate(cancelled=Count("sessions")).order_by("starts")
    context = {
        "site": site,
        "today": today,
        "to_come": found.filter(ends__gt=today),
        "past": found.filter(ends__lte=today, ends__gt=date(today.year, 1, 1)),
        "form": ClosureForm(),
        "holidays_form": HolidaysForm(country=country, state=state),
        "offered": _holiday_options(site, today, country, state),
        "knows_place": is_known_place(country, state),
        "may_manage": may_manage,
        "here": request.get_full_path(),
    }
    return render(request, "scheduling/timetable/closures.html", context)


def _holiday_region(request: HttpRequest, site: Site) -> tuple[str, str]:
    """The country and state that the address asks for, else the site's; a state that is not the country's is left out."""
    country, state = request.GET.get("country", ""), request.GET.get("state", "")
    if not is_known_place(country, ""):
        country, state = site.country, site.state
    return country, state if is_known_place(country, state) else ""


def _holiday_options(site: Site, today: date, country: str, state: str) -> list[HolidayRow]:
    found = holidays_at(site=site, first=today, until=today + YEAR, country=country, state=state)
    planned = Session.objects.filter(site=site, status=SessionStatus.SCHEDULED, on__in=[each.on for each in found])
    numbers = Counter(planned.values_list("on", flat=True))
    return [HolidayRow(each, numbers[each.on]) for each in found]


def _submit_closure(request: HttpRequest, site: Site) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    form = ClosureForm(request.POST)
    context: dict[str, object] = {"heading": "Close the site", "button": "Close the site"}
    if not form.is_valid():
        return _page(request, form, site, context, status=422)
    first_day, last_day = form.cleaned_data["first_day"], form.cleaned_data["last_day"]
    days = day_range(first_day, max(first_day, last_day))
    act = partial(close_site, site=site, **form.cleaned_data, by=user, now=now)
    answer = apply_or_preview(request, act, scene=closure_scope(site, first_day, last_day), now=now)
    if answer.done is not None:
        cancelled = answer.done.sessions.count()
        also = f" {counted(cancelled, 'session is,sessions are')} cancelled." if cancelled else ""
        messages.success(request, f"{site} is closed, {days}: {answer.done.reason}.{also}")
        return redirect_to_next(request, "closures")
    context = {"heading": f"Close the site, {days}", "button": f"Close {days}"}
    return _preview_or_refusal(request, form, site, answer, context, now=now, what=f"closing {days}")


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(METHODS)
def closure_lift(request: HttpRequest, closure_id: int) -> HttpResponse:
    """Lifts a closure."""
    user, now = signed_in(request), clock.now()
    closure = get_object_or_404(Closure.objects.visible_to(user).select_related("site"), pk=closure_id)
    forbid_unless(user.may(Permission.MANAGE_TIMETABLE, closure.site_id))
    site, today = closure.site, clock.today(closure.site.zone)
    first, form = max(closure.starts, today), ActionForm(request.POST)
    days = day_range(first, max(first, closure.last_day))
    context: dict[str, object] = {"heading": "Open the site after all", "button": f"Open {days}"}
    context |= {"closure": closure, "today": today}
    if request.method != "POST":
        return _page(request, form, site, context)
    act = partial(lift_closure, closure=closure, by=user, now=now)
    answer = apply_or_preview(request, act, scene=lift_scope(closure, now), now=now)
    if answer.done is not None:
        left = len(answer.done)
        also = f" {counted(left, 'session stays,sessions stay')} cancelled: something is taken then." if left else ""
        messages.success(request, f"{site} is open, {days}.{also}")
        return redirect_to_next(request, "closures")
    context["notes"] = list(_sessions_left_cancelled(closure, now))
    return _preview_or_refusal(request, form, site, answer, context, now=now, what=f"opening {days}")


def _sessions_left_cancelled(closure: Closure, now: datetime) -> Iterable[str]:
    """What can't be given back, and why."""
    for session in closure.sessions.to_come(now).select_related("site", "room"):
        reasons = " ".join(reason_text(reason) for reason in check_restorable(session))
        if reasons:
            yield f"{session.name} on {day(session.on)} stays cancelled. {reasons}"


def _preview_or_refusal[T](
    request: HttpRequest,
    form: ActionForm,
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
        return _page(request, form, site, context, status=422)
    told = summarize_impact(answer.impact, site=site, user=signed_in(request), now=now, what=what)
    return _page(request, form, site, context | {"told": told, "is_news": answer.is_news})


def _page(
    request: HttpRequest, form: ActionForm, site: Site, context: dict[str, object], *, status: int = 200
) -> HttpResponse:
    common = {"form": form, "site": site, "next": next_url(request)}
    return render(request, "scheduling/timetable/closure_change.html", common | context, status=status)
