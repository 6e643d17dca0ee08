"""A staff member's groups and sessions: find them, find who could take them, and hand them over."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction

from accounts.models import RoleAssignment, User
from accounts.permissions import Permission, Role
from scheduling.models import FacilitatorPart, Meeting, Session, SessionFacilitator, SessionStatus
from scheduling.services.locks import lock_site
from scheduling.services.sessions.session_changes import Staffing, assign_staff
from scheduling.services.timetable.handovers import hand_over_meeting
from timekeeping.reasons import Reason, Refused, RefusedFields


@dataclass(frozen=True, slots=True)
class NotYourTimetable(Reason):
    """The user may not change the timetable of the site where a group or session is held."""


@dataclass(frozen=True, slots=True)
class Work:
    """The weekly groups and the dated sessions to come that a staff member leads or assists in."""

    groups: Sequence[Meeting]
    sessions: Sequence[Session]

    def __bool__(self) -> bool:
        return bool(self.groups or self.sessions)

    @property
    def own_sessions(self) -> list[Session]:
        """Sessions to hand over one by one: one-off or changed sessions, and sessions of groups not in `groups`."""
        groups = {group.pk for group in self.groups}
        return [session for session in self.sessions if session.is_changed or session.meeting_id not in groups]


def group_key(group: Meeting) -> str:
    """Return the name of the form field that says who takes the group."""
    return f"group_{group.pk}"


def session_key(session: Session) -> str:
    """Return the name of the form field that says who takes the session."""
    return f"session_{session.pk}"


@dataclass(frozen=True, kw_only=True)
class Handover:
    """Who takes over, from a day on. `takers` maps the key of a group or session to a person, or to None for nobody.

    A group or session that is not in `takers` keeps its facilitator.
    """

    from_day: date
    takers: Mapping[str, User | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The people who could take a group or session: those who are free each time, and those who are busy at least once."""

    of: Meeting | Session
    free: Sequence[User]
    busy: Sequence[User]


def work_of(user: User, now: datetime, sites: Collection[int] | None = None) -> Work:
    """Return the groups and sessions that the user still has at the sites with these ids. None stands for all sites."""
    meetings = Meeting.objects.filter(meeting_facilitators__user=user).select_related("site")
    ahead = Session.objects.filter(facilitators=user).to_come(now).exclude(status=SessionStatus.CANCELLED)
    if sites is not None:
        meetings, ahead = meetings.filter(site__in=sites), ahead.filter(site__in=sites)
    groups = [each for each in meetings if each.runs_until is None or each.runs_until > each.site.today_at(now)]
    return Work(groups, list(ahead.select_related("site")))


def find_candidates(work: Work, *, user: User, by: User, now: datetime) -> list[Candidates]:
    """Return who could take each group and session of the user. Leave out sites whose timetable `by` may not change."""
    items: list[Meeting | Session] = [*work.groups, *work.own_sessions]
    items = [each for each in items if by.may(Permission.MANAGE_TIMETABLE, each.site_id)]
    if not items:
        return []
    assigned = RoleAssignment.objects.filter(site__in={each.site_id for each in items}, role=Role.CLINICIAN)
    people: dict[int | None, list[User]] = defaultdict(list)
    for each in assigned.filter(user__is_active=True).exclude(user=user).select_related("user").order_by("user__name"):
        people[each.site_id].append(each.user)
    busy: dict[int, list[tuple[int, datetime, datetime]]] = defaultdict(list)
    taken = SessionFacilitator.objects.filter(user__in={each.pk for site in people.values() for each in site})
    for person, session, starts, ends in taken.filter(ends__gt=now).values_list("user", "session", "starts", "ends"):
        assert starts is not None
        assert ends is not None
        busy[person].append((session, starts, ends))
    found = []
    for item in items:
        sessions = (
            [item] if isinstance(item, Session) else [each for each in work.sessions if each.meeting_id == item.pk]
        )
        free = [each for each in people[item.site_id] if _is_free(busy[each.pk], sessions)]
        found.append(Candidates(item, free, [each for each in people[item.site_id] if each not in free]))
    return found


def _is_free(busy: Iterable[tuple[int, datetime, datetime]], sessions: Collection[Session]) -> bool:
    """Whether a person who is in the `busy` sessions (id, start, end) is free for all `sessions`."""
    keys = {session.pk for session in sessions}
    others = [(starts, ends) for key, starts, ends in busy if key not in keys]
    return not any(starts < each.ends and each.starts < ends for starts, ends in others for each in sessions)


@transaction.atomic
def hand_over(*, user: User, handover: Handover, by: User, now: datetime) -> None:
    """Give the user's groups and sessions to the people who take them from the chosen day on.

    Sessions before that day stay as they are. Raises RefusedFields, with the reasons for each group and session, if the
    person who takes the group or session is busy, or if `by` may not change the timetable of the site.
    """
    refused: dict[str, Sequence[Reason]] = {}
    work = work_of(user, now)
    for session in work.own_sessions:
        if session_key(session) in handover.takers and session.on >= handover.from_day:
            try:
                _hand_over_session(session, user, handover.takers[session_key(session)], by, now)
            except Refused as reasons:
                refused[session_key(session)] = reasons.reasons
    for group in work.groups:
        if group_key(group) in handover.takers:
            try:
                _check_may(by, group.site_id)
                taker = handover.takers[group_key(group)]
                hand_over_meeting(meeting=group, giver=user, taker=taker, from_day=handover.from_day, by=by, now=now)
            except Refused as reasons:
                refused[group_key(group)] = reasons.reasons
    if refused:
        raise RefusedFields(refused)


def lock_sites_of(user: User, now: datetime) -> None:
    """Lock the sites where the user has groups or sessions to come, in order of id, so that they can be handed over."""
    work = work_of(user, now)
    for site in sorted({*(each.site_id for each in work.groups), *(each.site_id for each in work.sessions)}):
        lock_site(site)


def _check_may(by: User, site_id: int) -> None:
    if not by.may(Permission.MANAGE_TIMETABLE, site_id):
        raise Refused([NotYourTimetable()])


def _hand_over_session(session: Session, user: User, taker: User | None, by: User, now: datetime) -> None:
    _check_may(by, session.site_id)
    rows = list(session.session_facilitators.select_related("user"))
    lead = next((each.user for each in rows if each.part == FacilitatorPart.LEADS), None)
    assistants = [each.user for each in rows if each.part == FacilitatorPart.ASSISTS]
    if lead == user:
        lead, assistants = taker, [each for each in assistants if each != taker]
    else:
        assistants = [each for each in assistants if each not in (user, taker)]
        assistants += [taker] if taker is not None and taker != lead else []
    assign_staff(session=session, staffing=Staffing(lead=lead, assistants=tuple(assistants)), by=by, now=now)
