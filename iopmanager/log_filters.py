"""Log filters that keep secrets and patients' data out of the log."""

import logging
import re
from traceback import extract_tb

SECRET_LINK_TOKEN = re.compile(r"(/(?:c|join)/)[^/\s]+(/)")


class RedactSecretLinks(logging.Filter):
    """Remove the token from the URLs of calendar links and invitations, because anyone with the URL can use them."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if "/c/" in message or "/join/" in message:
            record.msg, record.args = SECRET_LINK_TOKEN.sub(r"\1…\2", message), ()
        return True


class RedactErrorMessages(logging.Filter):
    """Log an error's class and its traceback, but not its message. The message may contain patient data."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and (error := record.exc_info[1]) is not None:
            lines = ", ".join(f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__))
            record.msg, record.args = "%s: %s, through %s", (record.getMessage(), type(error).__qualname__, lines)
            record.exc_info = record.exc_text = None
        return True
