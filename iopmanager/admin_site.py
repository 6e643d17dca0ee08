"""Django's admin site, open only to administrators of all sites."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class ClinicAdminSite(AdminSite):
    site_title = site_header = _("iopmanager administration")
    index_title = _("Administration")

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return the context of every page. The page header names the time zone of the times on the page."""
        zone = {"zone": str(timezone.get_current_timezone())}
        return {
            **super().each_context(request),
            "site_header": gettext("iopmanager administration · times in %(zone)s") % zone,
        }

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_authenticated and request.user.is_staff


class ClinicAdminConfig(AdminConfig):
    default_site = "iopmanager.admin_site.ClinicAdminSite"
