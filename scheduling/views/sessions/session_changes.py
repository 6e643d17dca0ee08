"""What is done to one session: each act is shown with whom it touches before it is done."""

from collections.abc import Callable
from datetime import datetime, time
from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from iopmanager.form_fields import parse_day
from scheduling.formats import clock as clock_words
from scheduling.formats import day
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
from scheduling.services.preview.snapshot import SnapshotScope
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
from scheduling.views.preview.confirmation import apply_or_preview, next_url, redirect_to_next, summarize_impact
from scheduling.views.refusals import show_refusal
from timekeeping.occurrences import ClockEffect, clock_effect_at
from timekeeping.reasons import Refused

METHODS = ["GET", "HEAD", "POST"]


def _session_changeable_by(user: User, session_id: int, *, own_is_enough: bool = False) -> Session:
    """What the person may not see does not exist; what they may see and not change is forbidden."""
    sessions = Session.objects.visible_to(user).select_related("site", "room", "service_type")
    found = get_object_or_404(sessions.prefetch_related("session_facilitators__user"), pk=session_id)
    may = user.may(Permission.MANAGE_TIMETABLE, found.site_id)
    if own_is_enough:
        may = may or Session.objects.changeable_by(user).filter(pk=found.pk).exists()
    forbid_unless(may)
    return found


def _apply_or_preview(
    request: HttpRequest,
    form: ActionForm,
    act: Callable[[], object],
    *,
    scene: SnapshotScope,
    what: str,
    now: datetime,
    said: str,
    context: dict[str, object],
    session: Session | None = None,
) -> HttpResponse:
    """Does what was asked for, or shows the form again with what it would do or what stands against it."""
    user = signed_in(request)
    answer = apply_or_preview(request, act, scene=scene, now=now)
    if answer.is_done:
        messages.success(request, said)
        made = session or answer.done
        return redirect_to_next(request, "session", made.pk if isinstance(made, Session) else 0)
    if answer.impact is not None:
        told = summarize_impact(answer.impact, site=scene.site, user=user, now=now, what=what)
        context |= {"told": told, "is_news": answer.is_news}
    else:
        show_refusal(form, Refused(answer.reasons))
    return _page(request, form, scene.site, session, context, status=200 if answer.impact else 422)


def _page(
    request: HttpRequest,
    form: ActionForm,
    site: Site,
    session: Session | None,
    context: dict[str, object],
    *,
    status: int = 200,
) -> HttpResponse:
    common = {"form": form, "site": site, "session": session, "next": next_url(request)}
    return render(request, "scheduling/sessions/session_change.html", common | context, status=status)


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(METHODS)
def session_cancel(request: HttpRequest, session_id: int) -> HttpResponse:
    """Cancels a session, with a reason."""
    user, now = signed_in(request), clock.now()
    found = _session_changeable_by(user, session_id)
    form = CancelSessionForm(request.POST or None)
    context: dict[str, object] = {"heading": f"Cancel {found.name}", "button": "Cancel the session"}
    if not (request.method == "POST" and form.is_valid()):
        return _page(request, form, found.site, found, context, status=422 if form.errors else 200)
    act = partial(cancel_session, session=found, reason=form.cleaned_data["reason"], by=user, now=now)
    said = f"{found.name} on {day(found.on)} is cancelled. It can be given back on its page."
    return _apply_or_preview(
        request,
        form,
        act,
        scene=session_scope(found),
        what=str(found),
        now=now,
        said=said,
        context=context,
        session=found,
    )


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(METHODS)
def session_restore(request: HttpRequest, session_id: int) -> HttpResponse:
    """Holds a cancelled session after all."""
    user, now = signed_in(request), clock.now()
    found = _session_changeable_by(user, session_id)
    form = ActionForm(request.POST or None)
    context: dict[str, object] = {"heading": f"Hold {found.name} after all", "button": "Hold it after all"}
    if request.method != "POST":
        return _page(request, form, found.site, found, context)
    act = partial(restore_session, session=found, by=user, now=now)
    said = f"{found.name} on {day(found.on)} is held after all."
    return _apply_or_preview(
        request,
        form,
        act,
        scene=session_scope(found),
        what=str(found),
        now=now,
        said=said,
        context=context,
        session=found,
    )


@staff_required(Permission.MANAGE_TIMETABLE, Permission.CHANGE_OWN_SESSIONS)
@require_http_methods(METHODS)
def session_move(request: HttpRequest, session_id: int) -> HttpResponse:
    """Another date, time or room. `?on=`, `?starts=` and `?ends=` fill the form in."""
    user, now = signed_in(request), clock.now()
    found = _session_changeable_by(user, session_id, own_is_enough=True)
    room_only = not user.may(Permission.MANAGE_TIMETABLE, found.site_id)
    form = MoveSessionForm(request.POST or None, session=found, room_only=room_only, initial=_slot_from_query(request))
    heading = f"Another room for {found.name}" if room_only else f"Move {found.name}"
    context: dict[str, object] = {"heading": heading, "button": "Take this room" if room_only else "Move it"}
    if not (request.method == "POST" and form.is_valid()):
        return _page(request, form, found.site, found, context, status=422 if form.errors else 200)
    slot = form.slot()
    context["notes"] = _clock_change_notes(slot, found.site)
    act = partial(move_session, session=found, slot=slot, by=user, now=now)
    times = f"{clock_words(slot.starts)}–{clock_words(slot.ends)}"
    said = f"{found.name} is on {day(slot.on)}, {times}, {slot.room or 'without a room'}."
    scene = session_scope(found, slot)
    return _apply_or_preview(
        request, form, act, scene=scene, what=str(found), now=now, said=said, context=context, session=found
    )


def _slot_from_query(request: HttpRequest) -> dict[str, object]:
    """What the address asks for; nonsense is left out."""
    asked: dict[str, object] = {}
    on = parse_day(request.GET.get("on", ""))
    if on is not None:
        asked["on"] = on
    for name in ("starts", "ends"):
        try:
            asked[name] = time.fromisoformat(request.GET.get(name, ""))
        except ValueError:
            continue
    return asked


def _clock_change_notes(slot: Slot, site: Site) -> list[str]:
    """What a person could mistake about the times."""
    twice = [
        wall for wall in (slot.starts, slot.ends) if clock_effect_at(slot.on, wall, site.zone) == ClockEffect.REPEATED
    ]
    return [f"Clocks go back that night: {clock_words(wall)} comes twice, and the first is meant." for wall in twice]


@staff_required(Permission.MANAGE_TIMETABLE, Permission.CHANGE_OWN_SESSIONS)
@require_http_methods(METHODS)
def session_facilitators(request: HttpRequest, session_id: int) -> HttpResponse:
    """A substitute, or somebody more."""
    user, now = signed_in(request), clock.now()
    found = _session_changeable_by(user, session_id, own_is_enough=True)
    form = FacilitatorsForm(request.POST or None, site=found.site, initial=initial_facilitators(found))
    context: dict[str, object] = {"heading": f"Who leads {found.name}", "button": "Let them lead it"}
    if not (request.method == "POST" and form.is_valid()):
        return _page(request, form, found.site, found, context, status=422 if form.errors else 200)
    act = partial(assign_staff, session=found, staffing=form.staffing(), by=user, now=now)
    lead = form.cleaned_data["lead"]
    said = f"{lead} leads {found.name} on {day(found.on)}." if lead else f"Nobody leads {found.name} yet."
    return _apply_or_preview(
        request,
        form,
        act,
        scene=session_scope(found),
        what=str(found),
        now=now,
        said=said,
        context=context,
        session=found,
    )


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(METHODS)
def session_details(request: HttpRequest, session_id: int) -> HttpResponse:
    """Places, topic, and how and where it is held."""
    user, now = signed_in(request), clock.now()
    found = _session_changeable_by(user, session_id)
    names = ("places", "modality", "telehealth_link", "topic")
    form = SessionDetailsForm(request.POST or None, initial={name: getattr(found, name) for name in names})
    context: dict[str, object] = {"heading": f"Places and link of {found.name}", "button": "Keep the changes"}
    if not (request.method == "POST" and form.is_valid()):
        return _page(request, form, found.site, found, context, status=422 if form.errors else 200)
    act = partial(change_session_details, session=found, **form.cleaned_data, by=user, now=now)
    said = f"{found.name} on {day(found.on)} is changed."
    return _apply_or_preview(
        request,
        form,
        act,
        scene=session_scope(found),
        what=str(found),
        now=now,
        said=said,
        context=context,
        session=found,
    )


@staff_required(Permission.MANAGE_TIMETABLE)
@require_http_methods(METHODS)
def session_new(request: HttpRequest) -> HttpResponse:
    """One session more, of no meeting. `?on=`, `?starts=` and `?ends=` fill the form in."""
    user, site, now = signed_in(request), current_site(request), clock.now()
    forbid_unless(user.may(Permission.MANAGE_TIMETABLE, site.pk))
    initial = {"on": clock.today(site.zone), "places": 10, "modality": Modality.IN_PERSON} | _slot_from_query(request)
    form = NewSessionForm(request.POST or None, site=site, initial=initial)
    context: dict[str, object] = {"heading": "One more session", "button": "Add the session"}
    if not (request.method == "POST" and form.is_valid()):
        return _page(request, form, site, None, context, status=422 if form.errors else 200)
    values = form.values()
    act = partial(add_session, site=site, values=values, by=user, now=now)
    scene = new_session_scope(site, values.slot)
    said = f"{values.name} is on {day(values.slot.on)}."
    return _apply_or_preview(request, form, act, scene=scene, what=values.name, now=now, said=said, context=context)
