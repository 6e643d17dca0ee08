"""Refuse passwords that are easy to guess, without asking any other server."""

from threading import Lock

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from zxcvbn import zxcvbn

from accounts.models import User

LOWEST_SCORE = 3
"""Lowest accepted score. Scores go from 0 to 4. A password with a score of 3 takes more than 100 million guesses."""
LONGEST_PART = 72
"""Number of characters that are checked. This is zxcvbn's own limit: the time grows with the square of the length."""

_lock = Lock()


class HardToGuessValidator:
    """Estimate how many guesses a password takes, from lists of breached passwords, of words and of names.

    The estimate assumes that the attacker knows the person's name and email address.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError if the password is too easy to guess."""
        known = _words_of(user) if user is not None else []
        with _lock:  # zxcvbn stores `user_inputs` in a dictionary that all threads share
            found = zxcvbn(password[:LONGEST_PART], user_inputs=known)
        if found["score"] < LOWEST_SCORE:
            raise ValidationError(
                _("This password is easy to guess. Use four or more words that do not belong together."),
                code="password_easy_to_guess",
            )

    def get_help_text(self) -> str:
        """Return the help text that Django's built-in password forms show for this rule."""
        return _("Use four or more words that do not belong together.")


def _words_of(user: User) -> list[str]:
    """Return the name and the email address of the user, whole and in parts."""
    address, _at, host = user.email.partition("@")
    return [user.name, *user.name.split(), user.email, address, *address.split("."), *host.split(".")]
