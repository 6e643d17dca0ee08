"""Keeps secrets out of the log."""

import logging
import re

FEED_ADDRESS = re.compile(r"(/c/)[^/\s]+(/)")


class HideFeedTokens(logging.Filter):
    """A calendar's address is its secret: it is logged without the token."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if "/c/" in message:
            record.msg, record.args = FEED_ADDRESS.sub(r"\1…\2", message), ()
        return True
