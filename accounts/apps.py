from django.apps import AppConfig
from django.db.models.signals import post_migrate

from accounts.append_only import keep_append_only


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        post_migrate.connect(keep_append_only)
