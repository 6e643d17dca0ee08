"""Users, their roles at sites, the audit trail, and the runs of nightly jobs."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q, Window
from django.db.models.functions import Lower, RowNumber
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.append_only import AppendOnlyModel
from accounts.domain import job_schedule
from accounts.permissions import GRANTS, Permission, Role
from iopmanager.reader import HourClock

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager


class UserQuerySet(models.QuerySet["User"]):
    def clinicians_at(self, site_id: int) -> "UserQuerySet":
        """Active users with the clinician role at the site. These users may lead the site's groups."""
        assigned = RoleAssignment.objects.filter(site=site_id, role=Role.CLINICIAN)
        return self.filter(pk__in=assigned.values("user"), is_active=True)


class UserManager(BaseUserManager["User"]):
    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user who signs in with `email`. A user without a `password` can't sign in until one is set."""
        if not email:
            raise ValueError("a user needs an e-mail address to sign in with")
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create an administrator of all sites. The `createsuperuser` command calls this."""
        user = self.create_user(email, password, **fields)
        RoleAssignment.objects.create(user=user, role=Role.ADMINISTRATOR, site=None)
        return user


class User(AbstractBaseUser):
    """A person who signs in with an e-mail address: a staff member, or a patient whose record is linked to this user."""

    email = models.EmailField(_("email"), unique=True)
    name = models.CharField(_("name"), max_length=150)
    code = models.CharField(
        _("staff code"), max_length=40, unique=True, null=True, blank=True, help_text=_("The clinic's own code.")
    )
    credential = models.CharField(
        _("credential"), max_length=60, blank=True, help_text=_("As in a signature, for example LADC.")
    )
    language = models.CharField(
        _("language"),
        max_length=10,
        blank=True,
        choices=settings.LANGUAGES,
        help_text=_("The language of the pages. Leave blank to follow the browser."),
    )
    hour_clock = models.CharField(
        _("clock"),
        max_length=2,
        blank=True,
        choices=HourClock.choices,
        help_text=_("How times are written. Leave blank to follow the site."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("added on"), default=timezone.now, editable=False)

    objects = UserManager.from_queryset(UserQuerySet)()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    if TYPE_CHECKING:
        role_assignments: RelatedManager["RoleAssignment"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_is_unique_in_any_case",
                violation_error_message=_("Somebody else signs in with this email address."),
            )
        ]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def signature(self) -> str:
        """Name and credential as they appear under a signed record, for example "Ada Park, LADC"."""
        return f"{self.name}, {self.credential}" if self.credential else self.name

    @cached_property
    def assigned_roles(self) -> tuple[tuple[Role, int | None], ...]:
        """The user's roles, each with its site id (None for all sites). The roles are queried once and then cached."""
        assigned = self.role_assignments.order_by().values_list("role", "site")
        return tuple((Role(role), site) for role, site in assigned)

    def roles_at(self, site_id: int) -> frozenset[Role]:
        return frozenset(role for role, site in self.assigned_roles if site in (None, site_id))

    def may(self, permission: Permission, site_id: int) -> bool:
        """Whether the user is active and has, at the site, a role that grants the permission."""
        return self.is_active and any(permission in GRANTS[role] for role in self.roles_at(site_id))

    def may_somewhere(self, permission: Permission) -> bool:
        return self.is_active and any(permission in GRANTS[role] for role, _ in self.assigned_roles)

    def sites_where(self, permission: Permission) -> frozenset[int | None]:
        """Return the ids of the sites where the user has the permission. The id None means all sites."""
        granted = (site for role, site in self.assigned_roles if permission in GRANTS[role])
        return frozenset(granted) if self.is_active else frozenset()

    def may_at(self, permission: Permission) -> Q:
        """Return a filter condition for rows with a `site`. It matches rows of sites where the user has the permission."""
        granted = self.sites_where(permission)
        if not granted:
            return Q(pk__in=[])
        if None in granted:
            return Q()
        return Q(site__in=granted)

    # django.contrib.admin calls is_staff, has_perm and has_module_perms. They admit only administrators of all sites.
    @property
    def is_staff(self) -> bool:
        return self.is_active and (Role.ADMINISTRATOR, None) in self.assigned_roles

    @property
    def has_any_role(self) -> bool:
        """Whether the user has a role at any site. Patients have no roles."""
        return bool(self.assigned_roles)

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff


class RoleAssignment(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="role_assignments", verbose_name=_("user"))
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    site = models.ForeignKey(
        "scheduling.Site",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="role_assignments",
        help_text=_("Leave blank for an administrator of all sites."),
        verbose_name=_("site"),
    )

    class Meta:
        verbose_name = _("role assignment")
        verbose_name_plural = _("role assignments")
        ordering = ["user", "site", "role"]
        constraints = [
            models.UniqueConstraint(
                "user",
                "role",
                "site",
                name="role_is_assigned_once_per_site",
                violation_error_message=_("This person already has this role at this site."),
            ),
            models.UniqueConstraint(
                "user", "role", condition=Q(site=None), name="role_is_assigned_once_for_every_site"
            ),
            models.CheckConstraint(
                condition=Q(site__isnull=False) | Q(role=Role.ADMINISTRATOR),
                name="only_administrators_have_every_site",
                violation_error_message=_("Choose a site. Only an administrator can have a role at all sites."),
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}"


class Action(models.TextChoices):
    VIEWED = "viewed", _("Viewed")
    CREATED = "created", _("Created")
    CHANGED = "changed", _("Changed")
    ENDED = "ended", _("Ended")
    DELETED = "deleted", _("Deleted")
    ENROLLED = "enrolled", _("Enrolled")
    BOOKED = "booked", _("Booked")
    RELEASED = "released", _("Released")
    MARKED = "marked", _("Marked")
    FINALIZED = "finalized", _("Finalized")
    AMENDED = "amended", _("Amended")
    PUBLISHED = "published", _("Published")
    CANCELLED = "cancelled", _("Canceled")
    REVOKED = "revoked", _("Revoked")
    DISCLOSED = "disclosed", _("Disclosed")
    IMPORTED = "imported", _("Imported")


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def about_patient(self, patient_id: int) -> "AuditEventQuerySet":
        """Events about the patient's record. They include each repeated view of a page that showed the patient."""
        own = self.model.objects.filter(patient_key=patient_id).order_by()
        repeated = self.model.objects.filter(patient_key=None, look__in=own.exclude(look=None).values("look"))
        return self.filter(pk__in=own.values("pk").union(repeated.order_by().values("pk")))

    def visible_to(self, user: User) -> "AuditEventQuerySet":
        """Events at those sites whose audit trail the user may see."""
        granted = [site for role, site in user.assigned_roles if Permission.SEE_TRAIL in GRANTS[role]]
        if None in granted:
            return self
        return self.filter(site_key__in=granted)


class AuditEvent(AppendOnlyModel):
    """An append-only record of one view or action, with its user and time.

    An event refers to other rows by id, without foreign keys, so that those rows can be deleted.
    """

    at = models.DateTimeField(_("time"))
    actor_key = models.BigIntegerField(_("user ID"), null=True, help_text=_("Blank for the system itself."))
    actor_label = models.CharField(_("user"), max_length=200)
    action = models.CharField(_("action"), max_length=20, choices=Action.choices)
    subject_kind = models.CharField(_("kind of record"), max_length=40)
    subject_key = models.BigIntegerField(_("record ID"), null=True)
    subject_label = models.CharField(_("record"), max_length=200)
    patient_key = models.BigIntegerField(_("patient ID"), null=True)
    site_key = models.BigIntegerField(_("site ID"), null=True)
    detail = models.TextField(_("details"), blank=True, help_text=_("What changed, or which page was viewed."))
    reason = models.TextField(_("reason"), blank=True)
    look = models.UUIDField(
        _("page view ID"), null=True, blank=True, help_text=_("The same for all patients on a page.")
    )

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["patient_key", "-at"], name="audit_by_patient"),
            models.Index(fields=["site_key", "-at"], name="audit_by_site"),
            models.Index(fields=["actor_key", "-at"], name="audit_by_actor"),
            models.Index(fields=["look", "patient_key"], condition=Q(look__isnull=False), name="audit_by_look"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_label} {self.action} {self.subject_label}"


class JobOutcome(models.TextChoices):
    RUNNING = job_schedule.AttemptOutcome.RUNNING.value, _("Running")
    DONE = job_schedule.AttemptOutcome.DONE.value, _("Done")
    FAILED = job_schedule.AttemptOutcome.FAILED.value, _("Failed")


class JobRunQuerySet(models.QuerySet["JobRun"]):
    def visible_to(self, user: User) -> "JobRunQuerySet":
        """Runs at sites that the user manages. Managers of at least one site also see runs that belong to no site."""
        granted = [site for role, site in user.assigned_roles if Permission.MANAGE_SITE in GRANTS[role]]
        if not user.is_active or not granted:
            return self.none()
        if None in granted:
            return self
        return self.filter(Q(site_key__in=granted) | Q(site_key=None))

    def last_or_of(self, nights: Collection[date], *, now: datetime) -> "JobRunQuerySet":
        """The last run of each job at each site, and every run of the `nights`. A clock that was ahead hides none."""
        position = Window(RowNumber(), partition_by=["name", "site_key"], order_by=["-started_at", "-pk"])
        last = self.filter(started_at__lte=now).annotate(position=position).filter(position=1)
        return self.filter(Q(night__in=nights) | Q(pk__in=last.values("pk"))).order_by("-started_at", "-pk")


class JobRun(models.Model):
    """One attempt to run a nightly job.

    A run refers to its site by id, without a foreign key, so that the run stays when the site is deleted.
    """

    name = models.CharField(_("job"), max_length=60)
    site_key = models.BigIntegerField(_("site ID"), null=True)
    site_label = models.CharField(_("site"), max_length=120, blank=True)
    night = models.DateField(_("night"), help_text=_("The date on which the job was due."))
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=JobOutcome.choices, default=JobOutcome.RUNNING)
    words = models.CharField(_("summary"), max_length=300, blank=True, help_text=_("What the job did, without names."))

    objects = JobRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("nightly job run")
        verbose_name_plural = _("nightly job runs")
        ordering = ["-started_at", "-pk"]
        constraints = [
            # Before a scheduler runs a job, it inserts a row for the attempt. Only one scheduler can insert that row.
            models.UniqueConstraint("name", "site_key", "night", "attempt", name="job_is_tried_once_at_a_site"),
            models.UniqueConstraint(
                "name", "night", "attempt", condition=Q(site_key=None), name="job_about_no_site_is_tried_once"
            ),
            models.CheckConstraint(
                condition=Q(attempt__range=(1, job_schedule.MAX_ATTEMPTS)), name="job_is_tried_so_often_a_night"
            ),
            models.CheckConstraint(condition=Q(outcome__in=JobOutcome.values), name="job_run_outcome_is_known"),
            models.CheckConstraint(
                condition=Q(outcome=JobOutcome.RUNNING, finished_at=None)
                | (~Q(outcome=JobOutcome.RUNNING) & Q(finished_at__isnull=False)),
                name="job_run_is_unfinished_exactly_when_running",
            ),
            models.CheckConstraint(
                condition=Q(finished_at=None) | Q(finished_at__gte=F("started_at")), name="job_run_ends_after_it_starts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.site_label}" if self.site_label else self.name

    @property
    def audit_site_id(self) -> int | None:
        return self.site_key

    @property
    def duration(self) -> timedelta | None:
        return self.finished_at - self.started_at if self.finished_at else None

    def as_past_attempt(self) -> job_schedule.PastAttempt:
        return job_schedule.PastAttempt(
            self.night, self.attempt, job_schedule.AttemptOutcome(self.outcome), self.started_at
        )
