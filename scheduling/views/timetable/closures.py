"""Close a site on some days, or open it again. A preview first shows which patients are affected."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from scheduling.formats import day, day_range
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
from scheduling.views.preview.confirmation import next_url, redirect_to_next, submit_with_preview

METHODS = ["GET", "HEAD", "POST"]
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class HolidayRow:
    """A public holiday, and the number of sessions scheduled on that day."""

    holiday: Holiday
    sessions: int


@staff_required(Permission.SEE_TIMETABLE)
@require_http_methods(METHODS)
def closures(request: HttpRequest) -> HttpResponse:
    """List the current site's closures and the public holidays of the next twelve months. A POST closes the site.

    `?country=` and `?state=` select the holidays of another region.
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
    """Return the country and state in the query string, or else the site's country and state.

    The state is empty if it is not a known state of the country.
    """
    country, state = request.GET.get("country", ""), request.GET.get("state", "")
    if not is_known_place(country, ""):
        country, state = site.country, site.state
    return country, state if is_known_place(country, state) else ""


def _holiday_options(site: Site, today: date, country: str, state: str) -> list[HolidayRow]:
    holidays = holidays_at(site=site, first=today, until=today + YEAR, country=country, state=state)
    scheduled = Session.objects.filter(site=site, status=SessionStatus.SCHEDULED, on__in=[each.on for each in holidays])
    numbers = Counter(scheduled.values_list("on", flat=True))
    return [HolidayRow(each, numbers[each.on]) for each in holidays]


def _submit_closure(request: HttpRequest, site: Site) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    form = ClosureForm(request.POST)
    context: dict[str, object] = {
        "heading": _("Close the site"),
        "button": _("Close the site"),
        "button_tone": "danger",
    }
    if not form.is_valid():
        return _page(request, form, site, context)
    first_day, last_day = form.cleaned_data["first_day"], form.cleaned_data["last_day"]
    days = day_range(first_day, max(first_day, last_day))
    service = partial(close_site, site=site, **form.cleaned_data, by=user, now=now)
    scope = closure_scope(site, first_day, last_day)
    submission = submit_with_preview(request, service, scope=scope, now=now, action=f"closing {days}", form=form)
    if submission.saved:
        closure = submission.saved.value
        cancelled = closure.sessions.count()
        text = _("%(site)s is closed %(days)s (%(reason)s).") % {"site": site, "days": days, "reason": closure.reason}
        canceled = ngettext("%(number)d session is canceled.", "%(number)d sessions are canceled.", cancelled)
        messages.success(request, f"{text} {canceled % {'number': cancelled}}" if cancelled else text)
        return redirect_to_next(request, "closures")
    context = {
        "heading": _("Close the site: %(days)s") % {"days": days},
        "button": _("Close %(days)s") % {"days": days},
        "button_tone": "danger",
    }
    return _page(request, form, site, context | dict(submission.preview))


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(METHODS)
def closure_lift(request: HttpRequest, closure_id: int) -> HttpResponse:
    """Lift a closure from today on. Restore the sessions that the closure canceled, as far as possible."""
    user, now = signed_in(request), clock.now()
    closure = get_object_or_404(Closure.objects.visible_to(user).select_related("site"), pk=closure_id)
    forbid_unless(user.may(Permission.MANAGE_TIMETABLE, closure.site_id))
    site, today = closure.site, clock.today(closure.site.zone)
    first, form = max(closure.starts, today), ActionForm(request.POST)
    days = day_range(first, max(first, closure.last_day))
    context: dict[str, object] = {
        "heading": _("Remove closure: %(days)s") % {"days": days},
        "button": _("Open %(days)s") % {"days": days},
    }
    context |= {"closure": closure, "today": today}
    if request.method != "POST":
        return _page(request, form, site, context)
    service = partial(lift_closure, closure=closure, by=user, now=now)
    scope = lift_scope(closure, now)
    submission = submit_with_preview(request, service, scope=scope, now=now, action=f"opening {days}", form=form)
    if submission.saved:
        left = len(submission.saved.value)
        text = _("%(site)s is open %(days)s.") % {"site": site, "days": days}
        canceled = ngettext(
            "%(number)d session stays canceled, because its room or staff are taken.",
            "%(number)d sessions stay canceled, because their rooms or staff are taken.",
            left,
        )
        messages.success(request, f"{text} {canceled % {'number': left}}" if left else text)
        return redirect_to_next(request, "closures")
    context["notes"] = list(_sessions_left_cancelled(closure, now))
    return _page(request, form, site, context | dict(submission.preview))


def _sessions_left_cancelled(closure: Closure, now: datetime) -> Iterable[str]:
    """Yield a sentence for each session that can't be restored, with the reasons."""
    for session in closure.sessions.to_come(now).select_related("site", "room"):
        reasons = " ".join(reason_text(reason) for reason in check_restorable(session))
        if reasons:
            values = {"session": session.name, "on": day(session.on), "reasons": reasons}
            yield _("%(session)s on %(on)s stays canceled. %(reasons)s") % values


def _page(request: HttpRequest, form: ActionForm, site: Site, context: dict[str, object]) -> HttpResponse:
    context = {"form": form, "site": site, "next": next_url(request)} | context
    status = 422 if form.errors else 200
    return render(request, "scheduling/timetable/closure_change.html", context, status=status)
