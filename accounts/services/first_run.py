"""Create the first administrator of an empty installation.

This person must enter a code. Only people with access to the server can see the code.
"""

from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.audit import record
from accounts.models import Action, User
from timekeeping.reasons import Reason, Refused

CODE_LENGTH = 16
CODE_GROUP = 4
"""The code is written in groups of this many characters, separated by hyphens."""


@dataclass(frozen=True, slots=True)
class WrongSetUpCode(Reason):
    """The set-up code is wrong."""


@dataclass(frozen=True, slots=True)
class AlreadySetUp(Reason):
    """The installation already has a user, so it has been set up."""


def is_set_up() -> bool:
    """Whether the installation has any user. Runs one query."""
    return User.objects.exists()


def set_up_code() -> str:
    """Return the code that the first administrator has to enter, for example "K7QM-2XDA-PL4V-N3RE".

    The code is computed from the secret key. All processes of the server therefore know the same code, and nothing is
    stored. The code is useless as soon as there is a user.
    """
    digest = salted_hmac("accounts.services.first_run", "set-up code", algorithm="sha256").digest()
    code = b32encode(digest).decode()[:CODE_LENGTH]
    return "-".join(code[start : start + CODE_GROUP] for start in range(0, CODE_LENGTH, CODE_GROUP))


@transaction.atomic
def create_first_administrator(*, code: str, email: str, name: str, password: str, now: datetime) -> User:
    """Create the first user, who is an administrator of all sites, and return the user.

    Hyphens, spaces and letter case in `code` don't matter. Raises Refused if there is already a user, or if the code is
    wrong. Of several people who try at the same time, only one succeeds.
    """
    lock_users()
    if is_set_up():
        raise Refused([AlreadySetUp()])
    if not constant_time_compare(_bare(code), _bare(set_up_code())):
        raise Refused([WrongSetUpCode()])
    user: User = User.objects.create_superuser(email, password, name=name)
    record(user, by=user, action=Action.CREATED, at=now, detail="first administrator, all sites")
    return user


def lock_users() -> None:
    """Keep other transactions from adding users until the current one ends.

    On SQLite, only one transaction runs at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f'LOCK TABLE "{User._meta.db_table}" IN SHARE ROW EXCLUSIVE MODE')


def _bare(code: str) -> str:
    return "".join(character for character in code.upper() if character.isalnum())
