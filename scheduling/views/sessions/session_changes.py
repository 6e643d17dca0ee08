"""Change or add a single session. A preview first shows which patients are affected."""

from collections.abc import Callable
from datetime import datetime, time
from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from iopmanager.form_fields import parse_day
from scheduling.formats import clock as clock_text
from scheduling.formats import day, times
from scheduling.forms.sessions.session_changes import (
    ActionForm,
    CancelSessionForm,
    FacilitatorsForm,
    MoveSessionForm,
    NewSessionForm,
    SessionDetailsForm,
    initial_facilitators,
)
from scheduling.models import Modality, Session, Site
from scheduling.services.sessions.cancel import cancel_session, restore_session
from scheduling.services.sessions.session_changes import (
    add_session,
    assign_staff,
    change_session_details,
    move_session,
    new_session_scope,
    session_scope,
)
from scheduling.services.sessions.slots import Slot
from scheduling.views.current_site import current_site
from scheduling.views.preview.confirmation import next_url, redirect_to_next, submit_with_preview
from timekeeping.occurrences import ClockEffect, clock_effect_at

METHODS = ["GET", "HEAD", "POST"]


def _session_changeable_by(user: User, session_id: int, *, own_is_enough: bool = False) -> Session:
    """Return a session that the user may change.

    Raises Http404 if the user may not see the session, and PermissionDenied if the user may not change it. With
    `own_is_enough`, clinicians may also change sessions that they lead or assist in.
    """
    sessions = Session.objects.visible_to(user).select_related("site", "room", "service_type")
    session = get_object_or_404(sessions.prefetch_related("session_facilitators__user"), pk=session_id)
    may_change = user.may(Permission.MANAGE_TIMETABLE, session.site_id)
    if own_is_enough:
        may_change = may_change or Session.objects.changeable_by(user).filter(pk=session.pk).exists()
    forbid_unless(may_change)
    return session


def _session_values(session: Session) -> dict[str, object]:
    """Return the session's name and date for a message."""
    return {"session": session.name, "on": day(session.on)}


def _submit_change(
    request: HttpRequest,
    form: ActionForm,
    service: Callable[[], object],
    *,
    session: Session,
    slot: Slot | None = None,
    now: datetime,
    success: str,
    context: dict[str, object],
) -> HttpResponse:
    """Apply the change and redirect, or show the form with a preview or the reasons for a refusal."""
    scope = session_scope(session, slot)
    submission = submit_with_preview(request, service, scope=scope, now=now, action=str(session), form=form)
    if submission.saved:
        messages.success(request, success)
        return redirect_to_next(request, "session", session.pk)
    return _page(request, form, session.site, session, context | dict(submission.preview))


def _page(
    request: HttpRequest, form: ActionForm, site: Site, session: Session | None, context: dict[str, object]
) -> HttpResponse:
    context = {"form": form, "site": site, "session": session, "next": next_url(request)} | context
    status = 422 if form.errors else 200
    return render(request, "scheduling/sessions/session_change.html", context, status=status)


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(METHODS)
def session_cancel(request: HttpRequest, session_id: int) -> HttpResponse:
    """Cancel a session and record the reason."""
    user, now = signed_in(request), clock.now()
    session = _session_changeable_by(user, session_id)
    form = CancelSessionForm(request.POST or None)
    context: dict[str, object] = {
        "heading": _("Cancel %(session)s") % {"session": session.name},
        "button": _("Cancel session"),
        "button_tone": "danger",
    }
    if not (request.method == "POST" and form.is_valid()):
        return _page(request, form, session.site, session, context)
    service = partial(cancel_session, session=session, reason=form.cleaned_data["reason"], by=user, now=now)
    success = _("%(session)s on %(on)s is canceled. You can restore it on its page.") % _session_values(session)
    return _submit_change(request, form, service, session=session, now=now, success=success, context=context)


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(METHODS)
def session_restore(request: HttpRequest, session_id: int) -> HttpResponse:
    """Restore a canceled session."""
    user, now = signed_in(request), clock.now()
    session = _session_changeable_by(user, session_id)
    form = ActionForm(request.POST or None)
    context: dict[str, object] = {
        "heading": _("Restore %(session)s") % {"session": session.name},
        "button": _("Restore session"),
    }
    if request.method != "POST":
        return _page(request, form, session.site, session, context)
    service = partial(restore_session, session=session, by=user, now=now)
    success = _("%(session)s on %(on)s is restored.") % _session_values(session)
    return _submit_change(request, form, service, session=session, now=now, success=success, context=context)


@staff_required(Permission.MANAGE_TIMETABLE, Permission.CHANGE_OWN_SESSIONS)
@require_http_methods(METHODS)
def session_move(request: HttpRequest, session_id: int) -> HttpResponse:
    """Move a session to another date, time or room. `?on=`, `?starts=` and `?ends=` fill in the form."""
    user, now = signed_in(request), clock.now()
    session = _session_changeable_by(user, session_id, own_is_enough=True)
    room_only = not user.may(Permission.MANAGE_TIMETABLE, session.site_id)
    initial = _slot_from_query(request)
    form = MoveSessionForm(request.POST or None, session=session, room_only=room_only, initial=initial)
    heading = _("Change the room of %(session)s") if room_only else _("Move %(session)s")
    context: dict[str, object] = {
        "heading": heading % {"session": session.name},
        "button": _("Save room") if room_only else _("Move session"),
    }
    if not (request.method == "POST" and form.is_valid()):
        return _page(request, form, session.site, session, context)
    slot = form.slot()
    context["notes"] = _clock_change_notes(slot, session.site)
    service = partial(move_session, session=session, slot=slot, by=user, now=now)
    success = _("%(session)s is now on %(on)s, %(times)s. Room: %(room)s.") % {
        "session": session.name,
        "on": day(slot.on),
        "times": times(slot.starts, slot.ends),
        "room": slot.room or _("none"),
    }
    return _submit_change(request, form, service, session=session, slot=slot, now=now, success=success, context=context)


def _slot_from_query(request: HttpRequest) -> dict[str, object]:
    """Read initial values for the form from the query string. Invalid values are left out."""
    initial: dict[str, object] = {}
    on = parse_day(request.GET.get("on", ""))
    if on is not None:
        initial["on"] = on
    for name in ("starts", "ends"):
        try:
            initial[name] = time.fromisoformat(request.GET.get(name, ""))
        except ValueError:
            continue
    return initial


def _clock_change_notes(slot: Slot, site: Site) -> list[str]:
    """Warn about a start or end time that occurs twice on the day because clocks are set back."""
    repeated = [
        wall for wall in (slot.starts, slot.ends) if clock_effect_at(slot.on, wall, site.zone) == ClockEffect.REPEATED
    ]
    text = _("Clocks go back that night, so %(time)s comes twice. The first one counts.")
    return [text % {"time": clock_text(wall)} for wall in repeated]


@staff_required(Permission.MANAGE_TIMETABLE, Permission.CHANGE_OWN_SESSIONS)
@require_http_methods(METHODS)
def session_facilitators(request: HttpRequest, session_id: int) -> HttpResponse:
    """Assign a substitute or additional staff to a session."""
    user, now = signed_in(request), clock.now()
    session = _session_changeable_by(user, session_id, own_is_enough=True)
    form = FacilitatorsForm(request.POST or None, site=session.site, initial=initial_facilitators(session))
    context: dict[str, object] = {
        "heading": _("Staff of %(session)s") % {"session": session.name},
        "button": _("Save staff"),
    }
    if not (request.method == "POST" and form.is_valid()):
        return _page(request, form, session.site, session, context)
    service = partial(assign_staff, session=session, staffing=form.staffing(), by=user, now=now)
    lead = form.cleaned_data["lead"]
    success = _("%(lead)s leads %(session)s on %(on)s.") if lead else _("%(session)s on %(on)s has no leader yet.")
    success %= _session_values(session) | {"lead": lead}
    return _submit_change(request, form, service, session=session, now=now, success=success, context=context)


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(METHODS)
def session_details(request: HttpRequest, session_id: int) -> HttpResponse:
    """Change a session's number of spots, modality, telehealth link and topic."""
    user, now = signed_in(request), clock.now()
    session = _session_changeable_by(user, session_id)
    names = ("places", "modality", "telehealth_link", "topic")
    form = SessionDetailsForm(request.POST or None, initial={name: getattr(session, name) for name in names})
    context: dict[str, object] = {
        "heading": _("Details of %(session)s") % {"session": session.name},
        "button": _("Save details"),
    }
    if not (request.method == "POST" and form.is_valid()):
        return _page(request, form, session.site, session, context)
    service = partial(change_session_details, session=session, **form.cleaned_data, by=user, now=now)
    success = _("%(session)s on %(on)s is saved.") % _session_values(session)
    return _submit_change(request, form, service, session=session, now=now, success=success, context=context)


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(METHODS)
def session_new(request: HttpRequest) -> HttpResponse:
    """Add a session that is not part of a weekly meeting. `?on=`, `?starts=` and `?ends=` fill in the form."""
    user, site, now = signed_in(request), current_site(request), clock.now()
    forbid_unless(user.may(Permission.MANAGE_TIMETABLE, site.pk))
    initial = {"on": clock.today(site.zone), "places": 10, "modality": Modality.IN_PERSON} | _slot_from_query(request)
    form = NewSessionForm(request.POST or None, site=site, initial=initial)
    context: dict[str, object] = {"heading": _("Add a session"), "button": _("Add session")}
    if not (request.method == "POST" and form.is_valid()):
        return _page(request, form, site, None, context)
    values = form.values()
    service = partial(add_session, site=site, values=values, by=user, now=now)
    scope = new_session_scope(site, values.slot)
    submission = submit_with_preview(request, service, scope=scope, now=now, action=values.name, form=form)
    if submission.saved:
        shown = {"session": values.name, "on": day(values.slot.on)}
        messages.success(request, _("%(session)s is added on %(on)s.") % shown)
        return redirect_to_next(request, "session", submission.saved.value.pk)
    return _page(request, form, site, None, context | dict(submission.preview))
