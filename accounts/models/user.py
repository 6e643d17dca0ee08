"""Users and their roles at sites."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

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
    """A person who signs in with an e-mail address: a staff member, a patient or a delegate."""

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
