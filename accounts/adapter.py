from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils import translation

from patients.services.record.reader_settings import chosen_language


class ClosedSignupAdapter(DefaultAccountAdapter):
    """Account adapter that disables public sign-up, because only the clinic creates accounts.

    Mail is written in the recipient's language.
    """

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        user = context.get("user")
        with translation.override((chosen_language(user) if user else None) or translation.get_language()):
            super().send_mail(template_prefix, email, context)
