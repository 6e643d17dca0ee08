from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from scheduling.double_booking import create_overlap_constraints


class SchedulingConfig(AppConfig):
    name = "scheduling"
    verbose_name = _("Sites, tracks and sessions")

    def ready(self) -> None:
        post_migrate.connect(create_overlap_constraints, sender=self)
