"""The page of a session, with its roster, the attendance marks and the signature."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.db import transaction
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.audit import record_all
from accounts.models import Action, User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from attendance.forms import MarkForm
from attendance.models import Amendment, Attendance
from attendance.services.finalization import finalize_session
from attendance.services.marks import STALE_REASONS, mark_booking, mark_everyone_present
from attendance.services.roster import attendance_of
from attendance.services.session_rights import session_rights
from iopmanager import clock
from iopmanager.form_fields import parse_number
from scheduling.models import Booking, ReleaseCause, Session, SessionStatus
from scheduling.reason_text import reason_text
from scheduling.views.refusals import show_refusal, submit_button
from timekeeping.reasons import Refused

NOT_SEEN = -1
"""A version that no session has. It stands for a form that does not say which version the user saw."""


@dataclass(frozen=True)
class RosterRow:
    """One patient on the roster of a session, with a form if the user can change the mark."""

    booking: Booking
    mark: Attendance | None
    form: MarkForm | None
    may_amend: bool
    notice: str = ""


@dataclass(frozen=True)
class SessionPage:
    """Data of a session's page: the session, its roster, and what the user may do."""

    session: Session
    lines: Sequence[RosterRow]
    released: Sequence[Booking]
    """If the session is canceled, the bookings that the cancellation released. Their patients may need a call."""
    sees_roster: bool
    may_mark: bool
    may_finalize: bool
    may_amend: bool
    may_manage: bool
    may_change: bool
    is_to_come: bool

    @property
    def marked(self) -> int:
        return sum(line.mark is not None for line in self.lines)

    @property
    def unmarked(self) -> int:
        return len(self.lines) - self.marked

    @property
    def is_open(self) -> bool:
        return is_open(self.session)

    @property
    def may_mark_everyone(self) -> bool:
        """Whether the user can mark all unmarked patients as present. Before a session begins, only excuses are allowed."""
        return self.may_mark and self.is_open and not self.is_to_come and self.unmarked > 0


def is_open(session: Session) -> bool:
    """Whether the marks of the session can be changed without an amendment."""
    return session.finalized_at is None and session.status != SessionStatus.CANCELLED


def find_session(user: User, session_id: int) -> Session:
    """Find a session, with its facilitators loaded. Raises Http404 if the user may not see it."""
    sessions = Session.objects.visible_to(user).select_related("site", "room", "service_type")
    return get_object_or_404(sessions.prefetch_related("session_facilitators__user"), pk=session_id)


def _session_page(user: User, session: Session, *, typed: MarkForm | None = None, typed_for: int = 0) -> SessionPage:
    """Build the data of the session's page.

    If a submitted form had errors, `typed` is that form and `typed_for` is the id of its booking.
    """
    rights = session_rights(session, user)
    is_to_come = session.starts > clock.now() and session.finalized_at is None
    lines = []
    for booking in _roster(session) if rights.sees_roster else ():
        mark, form = attendance_of(booking), None
        if rights.may_mark and is_open(session):
            form = typed if booking.pk == typed_for else None
            form = form or _mark_form(session, booking, mark)
            if is_to_come and not form.is_bound:
                form.offer_only_excuses()
        amendable = mark is not None and session.finalized_at is not None and rights.may_amend
        lines.append(RosterRow(booking, mark, form, amendable))
    return SessionPage(
        session=session,
        lines=lines,
        released=_released(session) if rights.sees_roster and session.status == SessionStatus.CANCELLED else (),
        sees_roster=rights.sees_roster,
        may_mark=rights.may_mark,
        may_finalize=rights.may_finalize,
        may_amend=rights.may_amend,
        may_manage=user.may(Permission.MANAGE_TIMETABLE, session.site_id),
        may_change=rights.may_change,
        is_to_come=is_to_come,
    )


def _roster(session: Session) -> Sequence[Booking]:
    marks = Prefetch("attendance__amendments", Amendment.objects.order_by("at"))
    bookings = (
        Booking.objects.active()
        .filter(session=session)
        .select_related("episode__patient", "attendance__recorded_by", "makes_up__session")
        .prefetch_related(marks)
    )
    return sorted(bookings, key=lambda booking: (booking.episode.patient.name_order, booking.pk))


def _released(session: Session) -> Sequence[Booking]:
    released = Booking.objects.filter(session=session, release_cause=ReleaseCause.CANCELLED)
    bookings = released.select_related("episode__patient").prefetch_related("episode__patient__phones")
    return sorted(bookings, key=lambda booking: (booking.episode.patient.name_order, booking.pk))


def _mark_form(session: Session, booking: Booking, mark: Attendance | None, data: object = None) -> MarkForm:
    return MarkForm(data, session=session, attendance=mark, auto_id=f"mark-{booking.pk}-%s")


@staff_required(Permission.SEE_TIMETABLE)
@require_safe
@transaction.atomic
def session(request: HttpRequest, session_id: int) -> HttpResponse:
    """Show a session, and its roster if the user may see the roster."""
    user = signed_in(request)
    page = _session_page(user, find_session(user, session_id))
    return _render_session(request, user, page)


def _render_session(request: HttpRequest, user: User, page: SessionPage) -> HttpResponse:
    now = clock.now()
    people = [booking.episode.patient for booking in (*(line.booking for line in page.lines), *page.released)]
    record_all(people, by=user, action=Action.VIEWED, at=now, detail=f"roster of {page.session}")
    context = {"page": page, "session": page.session, "site": page.session.site, "now": now}
    return render(request, "attendance/roster/session.html", context)


@staff_required(Permission.MARK, Permission.MARK_OWN)
@require_POST
def session_mark_all(request: HttpRequest, session_id: int) -> HttpResponse:
    """Mark all patients who have no mark as present."""
    user, now = signed_in(request), clock.now()
    session = find_session(user, session_id)
    forbid_unless(session_rights(session, user).may_mark)
    submit_button(
        request,
        lambda: mark_everyone_present(session=session, by=user, now=now),
        _marked_text,
    )
    return redirect(f"{reverse('session', args=[session_id])}#roster")


def _marked_text(number: int) -> str:
    if not number:
        return _("Everyone was already marked.")
    return ngettext("%(number)d patient marked present.", "%(number)d patients marked present.", number) % {
        "number": number
    }


@staff_required(Permission.MARK, Permission.MARK_OWN)
@require_POST
@transaction.atomic
def session_mark(request: HttpRequest, session_id: int, booking_id: int) -> HttpResponse:
    """Record the mark of one patient. An htmx request gets that patient's line, the progress and the signature."""
    user, now = signed_in(request), clock.now()
    session = find_session(user, session_id)
    forbid_unless(session_rights(session, user).may_mark)
    bookings = Booking.objects.active().filter(session=session).select_related("attendance")
    booking = get_object_or_404(bookings, pk=booking_id)
    form = _mark_form(session, booking, attendance_of(booking), request.POST)
    notice = _save_mark(form, booking, user, now)
    typed = form if form.errors else None
    page = _session_page(user, find_session(user, session_id), typed=typed, typed_for=booking.pk)
    if request.headers.get("HX-Request") == "true":
        return _render_line(request, page, booking, notice)
    if typed:
        return _render_session(request, user, page)
    if notice:
        messages.error(request, notice)
    return redirect(f"{reverse('session', args=[session_id])}#person-{booking.pk}")


def _save_mark(form: MarkForm, booking: Booking, user: User, now: datetime) -> str:
    """Save the submitted mark, or add errors to the form. Return a notice, which is usually empty.

    If the user's page was out of date, the submitted input is dropped. The page then shows the notice and the current
    record.
    """
    if not form.is_valid():
        return ""
    try:
        mark_booking(booking=booking, mark=form.mark(), by=user, now=now, seen_at=form.cleaned_data["seen"])
    except Refused as refused:
        stale = [reason for reason in refused.reasons if isinstance(reason, STALE_REASONS)]
        if not stale:
            show_refusal(form, refused)
        return " ".join(map(reason_text, stale))
    return ""


def _render_line(request: HttpRequest, page: SessionPage, booking: Booking, notice: str) -> HttpResponse:
    """Render the line of one patient, and the parts of the page that count the marks."""
    context = {
        "page": page,
        "session": page.session,
        "site": page.session.site,
        "line": next(line for line in page.lines if line.booking.pk == booking.pk),
        "notice": notice,
        "now": clock.now(),
    }
    return render(request, "attendance/roster/_marked.html", context)


@staff_required(Permission.FINALIZE_OWN)
@require_POST
def session_finalize(request: HttpRequest, session_id: int) -> HttpResponse:
    """Sign the session's attendance. The service refuses if the session has changed since the user saw it."""
    user, now = signed_in(request), clock.now()
    session = find_session(user, session_id)
    forbid_unless(session_rights(session, user).may_finalize)
    seen_version = parse_number(request.POST.get("version", ""))
    is_finalized = submit_button(
        request,
        lambda: finalize_session(
            session=session, by=user, now=now, seen_version=NOT_SEEN if seen_version is None else seen_version
        ),
        _("Finalized by %(name)s.") % {"name": user.signature},
    )
    return redirect(f"{reverse('session', args=[session_id])}#{'signature-heading' if is_finalized else 'roster'}")
