from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from iopmanager.form_messages import install_form_messages


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Users and audit trail")

    def ready(self) -> None:
        install_form_messages()

        from accounts.append_only import (
            install_append_only_triggers,  # imported here, because the models are loaded after this file
        )

        post_migrate.connect(install_append_only_triggers)

        # This module has receivers of signals that are sent at sign-in. Otherwise it is loaded with the first request,
        # so a sign-in without a request, as in tests, would not be noticed before.
        import_module("iopmanager.middleware.sign_in_limits")
