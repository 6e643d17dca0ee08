"""A code that is sent by mail and lets its reader sign in: how long it works, and how many wrong tries end it."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hmac import compare_digest

CODE_LASTS = timedelta(minutes=15)
"""How long a code works (product rule)."""
MAX_WRONG_TRIES = 4
"""With so many wrong tries, a code stops working (product rule)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailedCode:
    """A code that somebody asked for. It works only in the browser that asked for it."""

    id: str
    email: str
    digits: str
    sent_at: datetime
    wrong_tries: int = 0

    @property
    def text(self) -> str:
        """The code as it stands in the mail, for example "1234-5678"."""
        middle = len(self.digits) // 2
        return f"{self.digits[:middle]}-{self.digits[middle:]}"

    def is_expired(self, now: datetime) -> bool:
        """Whether the code is too old. A code from the future was made by a clock that was ahead."""
        return abs(now - self.sent_at) >= CODE_LASTS

    def is_right(self, typed: str) -> bool:
        """Whether somebody typed the code, with whatever they put between the digits."""
        return compare_digest(re.sub(r"\D", "", typed).encode(), self.digits.encode())

    @property
    def is_used_up(self) -> bool:
        """Whether there were too many wrong tries."""
        return self.wrong_tries >= MAX_WRONG_TRIES

    def after_wrong_try(self) -> "MailedCode":
        """Return the code with one more wrong try."""
        return replace(self, wrong_tries=self.wrong_tries + 1)
