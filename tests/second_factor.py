"""Second factors for tests: an authenticator app with its codes, and clients that signed in just now or earlier."""

import time

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.http import HttpRequest
from django.test import Client

from accounts.models import User
from accounts.services.sign_ins import SIGNED_IN_AT
from iopmanager import clock

A_QUARTER_OF_AN_HOUR = 15 * 60
"""After so many seconds, a sign-in is too old for a sensitive act."""
STEP = 30
"""Seconds for which an app shows a code."""


def set_up_app(user: User) -> str:
    """Give the user an authenticator app. Return its secret."""
    secret: str = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def set_up_recovery_codes(user: User) -> list[str]:
    """Give the user recovery codes, and return them."""
    codes: list[str] = RecoveryCodes.activate(user).generate_codes()
    return codes


def app_code(secret: str, *, clock_is_ahead: int = 0) -> str:
    """Return the code that an app shows now on a phone whose clock is `clock_is_ahead` seconds ahead."""
    code: str = format_hotp_value(hotp_value(secret, int(time.time() + clock_is_ahead) // STEP))
    return code


def sign_in_now(client: Client, user: User) -> None:
    """Sign the user in without a page. The session says that the user has just given the password."""
    client.force_login(user)
    request = HttpRequest()
    request.user, request.session = user, client.session
    record_authentication(request, user, method="password")
    request.session.save()


def sign_in_earlier(client: Client, user: User, *, seconds_ago: int = A_QUARTER_OF_AN_HOUR) -> None:
    """Sign the user in without any page, as if so many seconds ago. The user has been active since then."""
    client.force_login(user)
    session = client.session
    session[SIGNED_IN_AT] = clock.now().timestamp() - seconds_ago
    session.save()
