"""Codes that patients and delegates get by mail to sign in without a password.

A code is kept in the session of the browser that asked for it, encrypted. Whether anybody has the email address is not
kept. So the page where the code is typed does the same work for every address, until a code is right.
"""

import json
from dataclasses import asdict
from datetime import datetime
from secrets import randbelow, token_urlsafe
from typing import TYPE_CHECKING

from django.core.cache import cache
from django.db.models import Q

from accounts.domain.mailed_code import CODE_LASTS, MailedCode
from accounts.models import User
from accounts.services.sealed_text import CannotUnseal, seal, unseal

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase

KEY = "mailed_code"
DIGITS = 8


def find_code_user(email: str) -> User | None:
    """Return the patient or delegate with this email address, whose account may be turned off. Runs one query.

    Staff get no codes, even if they are patients elsewhere: they need more than their mailbox to sign in. PostgreSQL takes
    some letters for the same that the limiter counts apart, such as ı and i, so the addresses are compared once more.
    """
    shares = Q(delegations__isnull=False, delegations__ended_at=None)
    found = User.objects.filter(Q(patient__isnull=False) | shares, role_assignments=None, email__iexact=email)
    user = found.order_by("pk").first()
    return user if user is not None and user.email.lower() == email.lower() else None


def make_code(session: "SessionBase", *, email: str, now: datetime) -> MailedCode:
    """Make a code and keep it in the session, where it replaces an earlier one."""
    code = MailedCode(id=token_urlsafe(16), email=email, digits=f"{randbelow(10**DIGITS):0{DIGITS}}", sent_at=now)
    keep_code(session, code)
    return code


def keep_code(session: "SessionBase", code: MailedCode) -> None:
    """Store the code in the session. Nobody who reads the table of sessions can read the code."""
    session[KEY] = seal(json.dumps({**asdict(code), "sent_at": code.sent_at.isoformat()}))


def read_code(session: "SessionBase") -> MailedCode | None:
    """Return the code in the session, or None if there is none, or none that this server can decrypt."""
    try:
        fields = json.loads(unseal(session[KEY]))
    except (KeyError, CannotUnseal):
        return None
    return MailedCode(**{**fields, "sent_at": datetime.fromisoformat(fields["sent_at"])})


def drop_code(session: "SessionBase") -> None:
    """Remove the code from the session."""
    session.pop(KEY, None)


def use_code(session: "SessionBase", code: MailedCode) -> bool:
    """Remove the code from the session. Return False if it was used before, even at the same moment."""
    drop_code(session)
    return cache.add(f"used-code:{code.id}", True, timeout=CODE_LASTS.total_seconds() * 2)
