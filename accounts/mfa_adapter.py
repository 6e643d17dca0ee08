"""Adapt django-allauth's second factor to this product: error messages, encrypted secrets, and the QR code."""

from typing import Any, ClassVar

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.services.sealed_text import CannotUnseal, seal, unseal
from iopmanager.qr_code import draw_qr_code


class SecondFactorAdapter(DefaultMFAAdapter):
    """Adapter that encrypts secrets before they are stored. Authenticator apps show neither the clinic nor its host."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _(
            "This code is not right. Wait for the next one, then try again. If that fails too, check the time on your phone."
        ),
        "incorrect_recovery_code": _("This code is not right. Each recovery code works only once. Try another one."),
        "passkey_refused": _("The passkey did not work. Try again, or use another way."),
        "code_unreadable": _("We can no longer check your code. Ask us to turn off two-step sign-in for you."),
    }

    def get_totp_issuer(self) -> str:
        return self._get_site_name()

    def _get_site_name(self) -> str:
        return gettext("My schedule")

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return gettext("Passkey %(number)s") % {"number": number}

    def build_totp_svg(self, url: str) -> str:
        return render_to_string("components/qr_code.html", {"code": draw_qr_code(url)})

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return unseal(encrypted_text)
        except CannotUnseal:
            raise self.validation_error("code_unreadable") from None
