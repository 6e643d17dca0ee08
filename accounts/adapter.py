from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context as allauth_context
from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.sites.shortcuts import get_current_site
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts.domain.mailed_code import MailedCode
from accounts.models import User
from accounts.services.known_devices import COOKIE, read_device
from accounts.services.mailed_codes import find_code_user
from accounts.services.outbox import NOBODY, put_in_outbox
from accounts.services.sign_ins import SIGNED_IN_AT
from iopmanager import clock
from patients.services.record.reader_settings import chosen_language


class ClosedSignupAdapter(DefaultAccountAdapter):
    """Account adapter that disables public sign-up, because only the clinic creates accounts.

    Mail is written in the recipient's language and put into the outbox. Mail for the user NOBODY is never sent.

    Wrong passwords for an email address are counted in two ways. A device on which the person has signed in before has
    its own count. All other devices share one count.
    """

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("The email address or the password is not right. Check both, then try again."),
        "enter_current_password": _("This is not your current password. Enter it again."),
        "incorrect_password": _("This is not your current password. Enter it again."),
        "rate_limited": _("Too many tries. Wait 5 minutes, then try again."),
        "too_many_login_attempts": _("Too many tries. Wait 5 minutes, then try again."),
        "too_many_codes": _("Too many tries. Wait 15 minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        key = _known_device_key(request, **credentials)
        if key is None:
            super().pre_authenticate(request, **credentials)
        elif not ratelimit.consume(request, action="login_failed_on_known_device", key=key):
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user is not None:
            _clear_known_device(request, **credentials)
        return user

    def is_right_code(self, request: HttpRequest, code: MailedCode, typed: str) -> bool:
        """Whether somebody typed the code. Wrong codes are counted together with wrong passwords of the address.

        Raises ValidationError if there were too many.
        """
        self.pre_authenticate(request, email=code.email)
        is_right = code.is_right(typed)
        if is_right:
            self._rollback_login_failed_rl_usage()
            _clear_known_device(request, email=code.email)
        return is_right

    def may_send_code(self, request: HttpRequest, email: str) -> bool:
        """Count a request for a code. Return False if there were too many, whether or not anybody has the address."""
        key = _known_device_key(request, email=email)
        if key is None:
            return bool(ratelimit.consume(request, action="request_login_code", key=email.lower()))
        return bool(ratelimit.consume(request, action="request_login_code_on_known_device", key=key))

    def send_code(self, code: MailedCode) -> None:
        """Mail the code if its address belongs to an active patient or delegate. For others, do the same work in vain.

        The mail goes to the address as it is stored, because two addresses that a database takes for the same can
        belong to different mailboxes.
        """
        user = find_code_user(code.email)
        if user is None or not user.is_active:
            user = User(pk=NOBODY, email=code.email)
        self.send_mail("account/email/login_code", user.email, {"user": user, "code": code.text})

    def reauthenticate(self, user: AbstractBaseUser, password: str) -> bool:
        """Check the password of a signed-in user. A wrong password counts toward the same limit as at sign-in."""
        credentials = {"email": getattr(user, "email", ""), "password": password}
        return self.authenticate(allauth_context.request, **credentials) == user

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whether the user must confirm who they are. Not needed soon after the last sign-in or confirmation."""
        request = allauth_context.request
        times = [record["at"] for record in get_authentication_records(request, request.user)]
        last = max([request.session.get(SIGNED_IN_AT, 0), *times])
        if clock.now().timestamp() - last < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT:
            return False
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, str]]:
        """Return the ways in which users can confirm who they are. A passkey comes first if they last used a passkey."""
        methods: list[dict[str, str]] = super().get_reauthentication_methods(user)
        records = get_authentication_records(allauth_context.request, user)
        if records and records[-1].get("type") == Authenticator.Type.WEBAUTHN:
            methods.sort(key=lambda method: method["url"] != reverse("mfa_reauthenticate_webauthn"))
        return methods

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        user, request = context.get("user"), allauth_context.request
        with translation.override((chosen_language(user) if user else None) or translation.get_language()):
            whole = {"request": request, "email": email, "current_site": get_current_site(request), **context}
            message = self.render_mail(template_prefix, email, whole)
        put_in_outbox(message=message, now=clock.now(), is_dropped=user is not None and user.pk == NOBODY)


def _known_device_key(request: HttpRequest, **credentials: Any) -> str | None:
    """Return the key for counting wrong passwords if the person has used this device before, otherwise None."""
    device, email = read_device(request.COOKIES.get(COOKIE, "")), credentials.get("email", "")
    return f"{device.id}:{email.lower()}" if device is not None and device.knows(email) else None


def _clear_known_device(request: HttpRequest, **credentials: Any) -> None:
    """Forget the wrong passwords and codes that the person has typed on this device."""
    key = _known_device_key(request, **credentials)
    if key is not None:
        ratelimit.clear(request, action="login_failed_on_known_device", key=key)
