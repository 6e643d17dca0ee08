"""The baseline of `bench.day`: a simple day page that prefetches its rows. Also creates the clinic for both day pages."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from django.db import transaction
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.template import Engine, Library, RequestContext, Template

from accounts.audit import record_all
from accounts.models import Action, User
from accounts.permissions import Permission, Role
from accounts.views import signed_in, staff_required
from attendance.models import Attendance, AttendanceStatus
from attendance.services.attention import find_attention
from iopmanager import clock
from scheduling.models import Booking, Session
from scheduling.templatetags.formats import MARK_BADGES, NOT_MARKED, STANDING_BADGES, Badge
from scheduling.views.current_site import current_site
from tests.factories import (
    admit,
    book,
    enroll,
    make_meeting,
    make_patient,
    make_room,
    make_session,
    make_site,
    make_staff,
    make_track,
)

MONDAY, WEDNESDAY = date(2026, 11, 23), date(2026, 11, 25)
NOON = datetime(2026, 11, 25, 17, 30, tzinfo=UTC)
BLOCKS = (("08:00", "11:00"), ("09:00", "12:00"), ("11:00", "14:00"), ("13:00", "16:00"), ("16:00", "19:00"))
badges = Library()


@badges.inclusion_tag("components/badge.html")
def badge_of(status: str | None) -> dict[str, Badge]:
    return {"badge": {**STANDING_BADGES, **MARK_BADGES}[status] if status else NOT_MARKED}


@transaction.atomic
def open_clinic(random: Random, sessions: int, patients: int) -> tuple[User, Booking]:
    """Create the clinic. Return a coordinator, and an unmarked booking of a session that has ended.

    Each group meets on Monday, Wednesday and Friday, in its own room with its own leader. All bookings on Monday are
    marked. On Wednesday, bookings in sessions that end before `NOON` are marked, except for each group's first patient.
    """
    site = make_site()
    for number in range(sessions):
        starts, ends = BLOCKS[number % len(BLOCKS)]
        fields: dict[str, Any] = {
            "lead": make_staff(Role.CLINICIAN, site),
            "room": make_room(site, 14),
            "places": 14,
        }
        meetings = [make_meeting(site, weekday, starts, ends, **fields) for weekday in (0, 2, 4)]
        held = [make_session(meeting, MONDAY + timedelta(days=meeting.weekday)) for meeting in meetings]
        track = make_track(site, meetings, name=f"Track {number:02}")
        for each in range(patients):
            episode = admit(make_patient(site, f"First{each:02}", f"Last{number:02}"), date(2026, 11, 2))
            enrollment = enroll(episode, track, date(2026, 11, 2))
            for session in held:
                booking = book(session, enrollment)
                if session.on == MONDAY or (session.ends < NOON and each):
                    _mark(booking, AttendanceStatus.NO_SHOW if random.random() < 0.08 else AttendanceStatus.PRESENT)
    unmarked = Booking.objects.filter(session__on=WEDNESDAY, ends__lt=NOON, attendance=None).order_by("pk")[0]
    return make_staff(Role.COORDINATOR, site), unmarked


def _mark(booking: Booking, status: AttendanceStatus) -> None:
    Attendance.objects.create(
        booking=booking,
        status=status,
        credited_minutes=180 if status == AttendanceStatus.PRESENT else 0,
        recorded_by=User.objects.all()[0],
        recorded_at=NOON,
    )


DAY = """
{% extends "staff.html" %}{% load formats %}
{% block heading %}Today, {{ day|day }}{% endblock %}
{% block content %}<div class="row g-3"><div class="col-lg-8">
  {% for session in sessions %}<section class="surface mb-3" aria-labelledby="session-{{ session.pk }}">
    <div class="d-flex justify-content-between gap-3 flex-wrap">
      <h2 class="fs-5" id="session-{{ session.pk }}">{% times session.starts session.ends site.zone %} {% if session.pk in mine %}<a href="{% url 'session' session.pk %}">{{ session.name }}</a>{% else %}{{ session.name }}{% endif %}</h2>
      <span>{{ session.booked }} of {{ session.places }} places</span>
    </div>
    <p class="muted mb-2">{{ session.room.name|default:"No room" }}{% for each in session.session_facilitators.all %}, {{ each.user.name }}{% endfor %}</p>
    <ul class="list-unstyled mb-0">
      {% for booking in session.roster %}<li class="d-flex justify-content-between gap-2 py-1"><a href="{% url 'patient' booking.episode.patient_id %}">{{ booking.episode.patient }}</a>{% badge_of booking.attendance.status %}</li>{% endfor %}
    </ul>
  </section>{% endfor %}
</div>
<div class="col-lg-4"><section class="surface">
  <h2 class="fs-5">Needs attention</h2>
  {% for row in attention.weeks %}<li class="mb-2"><a href="{% url 'patient-week' row.patient.pk row.week %}">{{ row.patient }}</a> {{ row.ledger.makeup_minutes|hours }} to make up {% badge_of row.ledger.standing %}</li>{% endfor %}
  {% for session in attention.sessions %}<li class="mb-2"><a href="{% url 'session' session.pk %}">{{ session.on|day }} {{ session.name }}</a> {{ session.unmarked }} not marked yet</li>{% endfor %}
</section></div></div>{% endblock %}
"""  # noqa: E501


@staff_required(Permission.SEE_TIMETABLE)
@transaction.atomic
def prefetched_view(request: HttpRequest) -> HttpResponse:
    """Show the day's sessions with their bookings.

    `?attention=` adds the list of weeks and sessions that need attention.
    """
    user, site, now = signed_in(request), current_site(request), clock.now()
    day = now.astimezone(site.zone).date()
    sees_rosters = Session.objects.with_roster_of(user).filter(site=site)
    active = Booking.objects.active().select_related("episode__patient", "attendance")
    rosters = Prefetch("bookings", active.filter(session__in=sees_rosters.values("pk")), to_attr="roster")
    sessions = list(
        Session.objects.visible_to(user)
        .filter(site=site, on=day)
        .select_related("room", "service_type")
        .prefetch_related("session_facilitators__user", rosters)
    )
    people = {booking.episode.patient for session in sessions for booking in vars(session)["roster"]}
    context = {"site": site, "day": day, "sessions": sessions, "mine": set(sees_rosters.values_list("pk", flat=True))}
    if "attention" in request.GET:
        context["attention"] = attention = find_attention(site=site, user=user, now=now)
        people |= {row.patient for row in attention.weeks}
    record_all(sorted(people, key=lambda each: each.pk), by=user, action=Action.VIEWED, at=now, detail="prefetched")
    return HttpResponse(_template().render(RequestContext(request, context)))


_templates: list[Template] = []


def _template() -> Template:
    """Return the template. Compile it only once, as Django does with template files."""
    if not _templates:
        engine = Engine.get_default()
        engine.template_builtins.append(badges)
        _templates.append(engine.from_string(DAY))
    return _templates[0]
