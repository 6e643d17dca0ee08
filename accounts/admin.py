"""Django admin for users, roles and logs. Every view and change in the admin is written to the audit trail."""

from collections.abc import Callable
from typing import Any

from allauth.account.admin import EmailAddress
from allauth.mfa.admin import Authenticator
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import BaseUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from accounts.audit import record, record_all
from accounts.models import Action, AuditEvent, Invitation, JobRun, RoleAssignment, User
from accounts.permissions import Permission
from accounts.services.staffing import keep_sites_staffed
from accounts.views import require_confirmation
from iopmanager import clock
from scheduling.reason_text import reason_text
from timekeeping.reasons import Refused

admin.site.unregister(Authenticator)  # use the product's page: it asks for a reason, ends sessions and sends mail
admin.site.unregister(EmailAddress)  # it lists patients' addresses, and users have their address in this product
admin.site.unregister(Group)  # Django's groups are not used, and in this product a “group” is a meeting


class AuditedAdmin[M: models.Model](admin.ModelAdmin[M]):
    """Model admin that writes the same audit events as the clinic's own pages."""

    show_full_result_count = False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        viewed = self.get_object(request, object_id)
        if viewed is not None and request.method == "GET":
            record(viewed, by=_acting_user(request), action=Action.VIEWED, at=clock.now(), detail="administration")
        return super().change_view(request, object_id, form_url, extra_context)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        changelist = getattr(response, "context_data", {}).get("cl")
        if changelist is not None and hasattr(self.model, "audit_patient_id"):
            record_all(
                changelist.result_list,
                by=_acting_user(request),
                action=Action.VIEWED,
                at=clock.now(),
                detail="administration",
            )
        return response

    def log_addition(self, request: HttpRequest, obj: M, message: Any) -> Any:
        record(obj, by=_acting_user(request), action=Action.CREATED, at=clock.now(), detail="administration")
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: M, message: Any) -> Any:
        record(obj, by=_acting_user(request), action=Action.CHANGED, at=clock.now(), detail="administration")
        return super().log_change(request, obj, message)

    def delete_model(self, request: HttpRequest, obj: M) -> None:
        record(obj, by=_acting_user(request), action=Action.DELETED, at=clock.now(), detail="administration")
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        record_all(queryset, by=_acting_user(request), action=Action.DELETED, at=clock.now(), detail="administration")
        super().delete_queryset(request, queryset)


class ReadOnlyAdmin[M: models.Model](AuditedAdmin[M]):
    """Read-only model admin. Its rows are changed only by services, which also update copied values and counters.

    Models of patients' data are hidden from administrators who may not see the patients of all sites.
    """

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        if hasattr(self.model, "audit_patient_id") and not _sees_all_patients(request):
            return False
        return super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


def _acting_user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _sees_all_patients(request: HttpRequest) -> bool:
    sites = [site for site in _acting_user(request).sites_where(Permission.SEE_PATIENTS) if site is not None]
    return bool(sites) and not apps.get_model("scheduling", "Site").objects.exclude(pk__in=sites).exists()


class NewUserForm(BaseUserCreationForm[User]):
    class Meta:
        model = User
        fields = ("email", "name")


class StaffedAdmin[M: models.Model](AuditedAdmin[M]):
    """Model admin of accounts. It asks again who the user is before a change.

    It refuses a change if a site would lose its last coordinator or administrator.
    """

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        require_confirmation(request)
        page = super().changeform_view
        return _keep_staffed(request, lambda: page(request, object_id, form_url, extra_context))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        require_confirmation(request)
        page = super().delete_view
        return _keep_staffed(request, lambda: page(request, object_id, extra_context))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "POST":
            require_confirmation(request)
        page = super().changelist_view
        return _keep_staffed(request, lambda: page(request, extra_context))


def _keep_staffed(request: HttpRequest, page: Callable[[], HttpResponse]) -> HttpResponse:
    """Return the page. If a site would lose its last coordinator or administrator, change nothing and say so."""
    if request.method != "POST":
        return page()
    try:
        with keep_sites_staffed():
            return page()
    except Refused as refused:
        for _message in list(messages.get_messages(request)):
            pass  # forget the message that says that the change was saved
        for reason in refused.reasons:
            messages.error(request, reason_text(reason))
        return redirect(request.get_full_path())


class RoleInline(admin.TabularInline[RoleAssignment, User]):
    """The roles of a user. They can be given to a new user, and are changed on the page “Staff”, which hands over work."""

    model = RoleAssignment
    extra = 1

    def has_add_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return obj is None and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


@admin.register(User)
class UserAccountAdmin(StaffedAdmin[User], UserAdmin[User]):
    form = UserChangeForm[User]
    add_form = NewUserForm
    inlines = [RoleInline]
    fieldsets = (
        (
            None,
            {
                "fields": ("email", "password", "name", "code", "credential", "is_active"),
                "description": _("To change roles or turn an account off, open the page “Staff”."),
            },
        ),
        (_("Pages"), {"fields": ("language", "hour_clock")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2")}),)
    # Accounts are turned off on the page “Staff”, which also ends their sign-ins and calendar links.
    readonly_fields = ("is_active", "last_login", "date_joined")
    list_display = ("name", "email", "code", "credential", "is_active")
    list_filter = ("is_active", "role_assignments__role", "role_assignments__site")
    search_fields = ("name", "email", "code")
    ordering = ("name",)
    filter_horizontal = ()

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[User]:
        """Return the staff, and also patients and delegates if the acting user may see the patients of all sites."""
        users = super().get_queryset(request)
        if _sees_all_patients(request):
            return users
        return users.filter(pk__in=RoleAssignment.objects.order_by().values("user"))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        require_confirmation(request)
        page = super().user_change_password
        return _keep_staffed(request, lambda: page(request, id, form_url))


@admin.register(RoleAssignment)
class RoleAssignmentAdmin(ReadOnlyAdmin[RoleAssignment]):
    list_display = ("user", "role", "site")
    list_filter = ("role", "site")
    search_fields = ("user__name", "user__email")
    raw_id_fields = ("user",)
    list_select_related = ("user", "site")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin[AuditEvent]):
    list_display = ("at", "actor_label", "action", "subject_kind", "subject_label", "detail", "reason")
    list_filter = ("action", "subject_kind", "at")
    search_fields = ("actor_label", "subject_label", "=patient_key")
    date_hierarchy = "at"

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[AuditEvent], search_term: str
    ) -> tuple[models.QuerySet[AuditEvent], bool]:
        """Search the audit events. A search for a patient's id finds all views of the patient's record.

        If a user views the same page of patients again, the event of the repeated view contains no patient id. The
        search finds this event, too.
        """
        found, has_duplicates = super().get_search_results(request, queryset, search_term)
        if search_term.strip().isdecimal():
            about = AuditEvent.objects.about_patient(int(search_term))
            found = queryset.filter(pk__in=found.values("pk")) | queryset.filter(pk__in=about.values("pk"))
        return found, has_duplicates


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin[Invitation]):
    list_display = ("created_at", "patient", "user", "email", "expires_at", "used_at", "revoked_at")
    list_filter = ("created_at",)
    list_select_related = ("patient", "user")


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin[JobRun]):
    list_display = ("started_at", "name", "site_label", "night", "attempt", "finished_at", "outcome", "words")
    list_filter = ("name", "outcome", "site_label")
    date_hierarchy = "started_at"
