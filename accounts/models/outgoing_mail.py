"""Mail that waits to be sent."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Count, Max, Min, Q
from django.utils.translation import gettext_lazy as _

from accounts.domain.mail_schedule import LONGEST_PAUSE, MAX_MAIL_ATTEMPTS, mail_worker_seems_stopped

GIVEN_UP_KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How many messages wait, since when, and how many were given up. It contains no addresses."""

    waiting: int
    waiting_since: datetime | None
    next_try: datetime | None
    given_up: int
    last_given_up: datetime | None
    worker_seems_stopped: bool


class OutgoingMailQuerySet(models.QuerySet["OutgoingMail"]):
    def due(self, now: datetime) -> "OutgoingMailQuerySet":
        """Messages that `is_mail_due` calls due."""
        return self.filter(Q(next_try__lte=now) | Q(next_try__gt=now + LONGEST_PAUSE))

    def state(self, now: datetime) -> OutboxState:
        """Return the state of the outbox, in one query."""
        waiting = Q(is_dropped=False, given_up_at=None)
        found = self.aggregate(
            waiting=Count("pk", filter=waiting),
            waiting_since=Min("created_at", filter=waiting),
            next_try=Min("next_try", filter=waiting),
            untried_since=Min("created_at", filter=waiting & Q(attempts=0)),
            given_up=Count("pk", filter=Q(given_up_at__isnull=False)),
            last_given_up=Max("given_up_at"),
        )
        stopped = mail_worker_seems_stopped(untried_since=found.pop("untried_since"), now=now)
        return OutboxState(worker_seems_stopped=stopped, **found)


class OutgoingMail(models.Model):
    """A message that waits to be sent. It is deleted as soon as the mail server has accepted it.

    A message can contain a link or a code that gives its reader access to an account. Therefore its text is encrypted, no
    page shows the content of a message, and the content is deleted when the message is given up.
    """

    content = models.JSONField(_("content"), help_text=_("Blank once the message was given up."))
    is_dropped = models.BooleanField(
        _("dropped"), default=False, help_text=_("Written for an address that nobody signs in with, and never sent.")
    )
    created_at = models.DateTimeField(_("written"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_try = models.DateTimeField(_("next attempt"), null=True)
    given_up_at = models.DateTimeField(_("given up"), null=True)

    objects = OutgoingMailQuerySet.as_manager()

    class Meta:
        verbose_name = _("outgoing message")
        verbose_name_plural = _("outgoing mail")
        ordering = ["created_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(given_up_at=None, next_try__isnull=False)
                | Q(given_up_at__isnull=False, next_try=None, content={}),
                name="mail_says_nothing_once_it_was_given_up",
            ),
            models.CheckConstraint(
                condition=Q(attempts__lte=MAX_MAIL_ATTEMPTS), name="mail_is_tried_so_often_and_no_more"
            ),
        ]
        indexes = [models.Index(fields=["next_try"], name="mail_by_next_try")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
