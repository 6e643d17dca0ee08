"""The session engine: sessions in the database, each with its user and the time when this user was last active."""

from datetime import datetime
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore

from accounts.models import BrowserSession
from iopmanager import clock


class SessionStore(DatabaseSessionStore):
    """Sessions in the table of `BrowserSession`."""

    active_at: datetime | None = None
    """When the user was last active, according to the database. None if the session is new."""

    @classmethod
    def get_model_class(cls) -> type[BrowserSession]:
        """Return the model of the table."""
        return BrowserSession

    def load(self) -> dict[str, Any]:
        """Return the session's content. Set `active_at` to the time when the user was last active."""
        row = self._get_session_from_db()  # type: ignore[attr-defined]  # the stubs leave it out
        if row is None:
            return {}
        self.active_at = row.active_at
        content: dict[str, Any] = self.decode(row.session_data)
        return content

    def create_model_instance(self, data: dict[str, Any]) -> BrowserSession:
        """Return the row to save."""
        row = super().create_model_instance(data)
        assert isinstance(row, BrowserSession)
        row.user_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        row.active_at = self.active_at = self.active_at or clock.now()
        return row

    def note_activity(self, now: datetime) -> None:
        """Save that the user is active. Values that other requests store in the session are not overwritten."""
        self.active_at = now
        BrowserSession.objects.filter(pk=self.session_key).update(active_at=now)
