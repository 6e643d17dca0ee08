"""A browser's session, which knows who is signed in with it."""

from importlib import import_module

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class BrowserSession(AbstractBaseSession):
    """A Django session with a column for the user, so that a person's sign-ins can be found."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="browser_sessions",
        verbose_name=_("user"),
    )
    active_at = models.DateTimeField(_("last active"), default=timezone.now)

    class Meta:
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")

    def __str__(self) -> str:
        """Return the user. The session's key stays secret: anyone who knows the key is signed in."""
        return str(self.user or "")

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
        return store
