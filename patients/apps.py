from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class PatientsConfig(AppConfig):
    name = "patients"
    verbose_name = _("Patients")

    def ready(self) -> None:
        from patients.absorbed_records import (
            install_guard,  # imported here, because the models are loaded after this file
            remove_guard,
        )

        pre_migrate.connect(remove_guard, sender=self)
        post_migrate.connect(install_guard)
