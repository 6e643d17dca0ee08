"""Keeps secrets out of the log."""

import logging
import re
from traceback import extract_tb

CALENDAR_LINK_TOKEN = re.compile(r"(/c/)[^/\s]+(/)")


class RedactCalendarTokens(logging.Filter):
    """A calendar's address is its secret: it is logged without the token."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if "/c/" in message:
            record.msg, record.args = CALENDAR_LINK_TOKEN.sub(r"\1…\2", message), ()
        return True


class RedactErrorMessages(logging.Filter):
    """An error's words may hold a patient's row: it is logged by its class and the lines of code it came through."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and (error := record.exc_info[1]) is not None:
            lines = ", ".join(f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__))
            record.msg, record.args = "%s: %s, through %s", (record.getMessage(), type(error).__qualname__, lines)
            record.exc_info = record.exc_text = None
        return True
