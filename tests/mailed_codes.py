"""Codes from mails, for tests: ask for one, read it in the mail, and type it."""

import re
from typing import TYPE_CHECKING

from django.core import mail
from django.test import Client
from django.urls import reverse

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

CODE = re.compile(r"^\d{4}-\d{4}$", re.MULTILINE)


def ask_for_code(client: Client, email: str, **more: str) -> "Response":
    """Send the form that asks for a code."""
    return client.post(reverse("account_request_login_code"), {"email": email, **more})


def code_in_mail() -> str:
    """Return the code in the newest mail."""
    [code] = CODE.findall(str(mail.outbox[-1].body))
    return str(code)


def type_code(client: Client, code: str, **more: str) -> "Response":
    """Send the form with a code."""
    return client.post(reverse("account_confirm_login_code"), {"code": code, **more})


def wrong(code: str) -> str:
    """Return another code, which differs in its last digit."""
    return f"{code[:-1]}{(int(code[-1]) + 1) % 10}"
