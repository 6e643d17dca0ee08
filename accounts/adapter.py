from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from patients.services.record.reader_settings import chosen_language


class ClosedSignupAdapter(DefaultAccountAdapter):
    """Account adapter that disables public sign-up, because only the clinic creates accounts.

    Mail is written in the recipient's language.
    """

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("The email address or the password is not right. Check both, then try again."),
        "enter_current_password": _("This is not your current password. Enter it again."),
        "too_many_login_attempts": _("Too many tries. Wait 5 minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        user = context.get("user")
        with translation.override((chosen_language(user) if user else None) or translation.get_language()):
            super().send_mail(template_prefix, email, context)
