from django.apps import AppConfig
from django.db.models.signals import post_migrate

from scheduling.double_booking import keep_in_one_place


class SchedulingConfig(AppConfig):
    name = "scheduling"

    def ready(self) -> None:
        post_migrate.connect(keep_in_one_place, sender=self)
