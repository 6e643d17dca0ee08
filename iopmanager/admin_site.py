"""Django's admin site, open only to administrators of all sites."""

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class ClinicAdminSite(AdminSite):
    site_title = site_header = _("iopmanager administration")
    index_title = _("Administration")

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_authenticated and request.user.is_staff


class ClinicAdminConfig(AdminConfig):
    default_site = "iopmanager.admin_site.ClinicAdminSite"
