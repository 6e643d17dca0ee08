"""Write staff members with their roles. The files contain no passwords: each person sets their own."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Action, RoleAssignment, User
from accounts.permissions import Role
from accounts.services.staffing import filled_posts, lock_roles, lost_posts
from clinic_import.import_run import ImportRun, differences
from clinic_import.rows.clinic_rows import StaffRow
from clinic_import.writers.identity import check_same_staff
from scheduling.formats import weekday
from scheduling.models import Meeting, Site, TrackStatus
from scheduling.services.administration.staff import end_account
from timekeeping.reasons import Refused

Roles = tuple[tuple[Role, str], ...]


class StaffDirectory:
    """All users by code and by e-mail address, with their roles."""

    def __init__(self, people: Iterable[User], site_codes: dict[int, str]) -> None:
        self.by_name: dict[str, User] = {}
        self.roles: dict[int, Roles] = {}
        self.changed: dict[int, StaffRow] = {}
        """Rows that changed the roles of a user, or turned their account off, by user id."""
        for user in people:
            self.roles[user.pk] = tuple(
                sorted((Role(role.role), site_codes.get(role.site_id or 0, "")) for role in user.role_assignments.all())
            )
            self.add(user, self.roles[user.pk])

    def add(self, user: User, roles: Roles) -> None:
        """Add a user, or replace the roles of a user who is already in the directory."""
        self.roles[user.pk] = roles
        self.by_name[user.email.lower()] = user
        if user.code:
            self.by_name[user.code] = user

    def leads_at(self, user: User, site: str) -> bool:
        """Return whether the user is an active clinician at the site with this code. Only clinicians lead groups."""
        return user.is_active and (Role.CLINICIAN, site) in self.roles[user.pk]


def write_staff(run: ImportRun, sites: dict[str, Site]) -> StaffDirectory:
    """Write the staff members in the file, identified by code or else by e-mail address. Return all users."""
    codes = {site.pk: site.code for site in sites.values()}
    staff = StaffDirectory(User.objects.prefetch_related("role_assignments"), codes)
    seen: dict[int, int] = {}
    lock_roles()
    posts = filled_posts()
    ended: StaffRow | None = None
    for row in run.rows("staff"):
        if None in [run.find(row, "roles", "sites", {"code": site}, sites) for _, site in row.roles if site]:
            continue
        user, by_email = staff.by_name.get(row.code) if row.code else None, staff.by_name.get(row.email)
        if user and by_email and user != by_email:
            run.add_fault(
                row,
                "email",
                _("%(email)s is the email of %(name)s. Use another email or that person's code.")
                % {"email": row.email, "name": by_email.name},
            )
            continue
        user = user or by_email
        if user is not None and user.pk in seen:
            run.add_fault(
                row,
                "code" if row.code else "email",
                _("Row %(row)s is about the same person. Remove one of the rows.") % {"row": seen[user.pk]},
            )
            continue
        if user is not None and not by_email and (fault := check_same_staff(row, user)):
            run.add_fault(row, *fault)
            continue
        if user is None:
            user = User.objects.create_user(
                row.email,
                name=row.name,
                code=row.code or None,
                credential=row.credential,
                is_active=row.active,
            )
            _assign(user, row.roles, sites)
            staff.add(user, row.roles)
            run.note(row, is_new=True)
            record(user, by=run.by, action=Action.IMPORTED, at=run.now, detail="new")
        else:
            before = (user.is_active, staff.roles[user.pk])
            _change(run, row, user, staff, sites)
            if before != (user.is_active, staff.roles[user.pk]):
                ended = row
                staff.changed[user.pk] = row
        seen[user.pk] = row.number
    if ended is not None and (lost := lost_posts(posts)):
        run.refuse(ended, "roles", Refused(lost))
    return staff


def check_groups_have_their_staff(run: ImportRun, staff: StaffDirectory) -> None:
    """Add a fault for each row that takes away a role or an account that groups of published tracks need.

    Call this after the meetings are written, because the files may give the groups to somebody else.
    """
    groups: dict[int, list[Meeting]] = {}
    used = Meeting.objects.filter(tracks__status=TrackStatus.PUBLISHED, meeting_facilitators__user__in=staff.changed)
    for meeting in used.distinct().select_related("site").prefetch_related("meeting_facilitators__user").order_by("pk"):
        if meeting.runs_until is not None and meeting.runs_until <= meeting.site.today_at(run.now):
            continue
        for each in meeting.meeting_facilitators.all():
            if each.user_id in staff.changed and not staff.leads_at(each.user, meeting.site.code):
                groups.setdefault(each.user_id, []).append(meeting)
    for user_id, meetings in groups.items():
        names = ", ".join(f"{each.name} ({weekday(each.weekday)})" for each in meetings)
        run.add_fault(
            staff.changed[user_id],
            "roles" if staff.changed[user_id].active else "active",
            _("These groups need this person: %(groups)s. Give them to somebody else first.") % {"groups": names},
        )


def _change(run: ImportRun, row: StaffRow, user: User, staff: StaffDirectory, sites: dict[str, Site]) -> None:
    attributes = {"name": "name", "credential": "credential", "code": "code", "active": "is_active"}
    before = {column: getattr(user, name) for column, name in attributes.items()}
    after = {column: getattr(row, column) for column in attributes}
    after["code"] = row.code or user.code
    changes = differences(
        {"email": user.email.lower(), "roles": _role_texts(staff.roles[user.pk]), **before},
        {"email": row.email, "roles": _role_texts(row.roles), **after},
        row.absent,
    )
    if not changes:
        return
    for change in changes:
        if change.column == "roles":
            user.role_assignments.all().delete()
            _assign(user, row.roles, sites)
        elif change.column == "email":
            user.email = row.email
        else:
            setattr(user, attributes[change.column], after[change.column])
    user.save()
    if before["active"] and not user.is_active:
        end_account(user, by=run.by, now=run.now)
    staff.add(user, row.roles)
    run.note(row, is_new=False, fields=changes)
    record(user, by=run.by, action=Action.IMPORTED, at=run.now, detail=", ".join(each.column for each in changes))


def _role_texts(roles: Roles) -> tuple[str, ...]:
    return tuple(f"{role.value}@{site}" if site else role.value for role, site in roles)


def _assign(user: User, roles: Roles, sites: dict[str, Site]) -> None:
    RoleAssignment.objects.bulk_create(
        RoleAssignment(user=user, role=role, site=sites[site] if site else None) for role, site in roles
    )
