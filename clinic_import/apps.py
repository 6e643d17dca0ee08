from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ClinicImportConfig(AppConfig):
    name = "clinic_import"
    verbose_name = _("Import")
