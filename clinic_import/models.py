"""Imports that people start on a page. The command `import_clinic` stores none."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User

KEPT_FOR = timedelta(days=1)
"""How long the files and the details of an import are kept after it was last worked on."""
CLAIM_LASTS = timedelta(minutes=5)
"""An import without progress for this long can be started again: its worker was killed, or no worker runs."""


class ImportState(models.TextChoices):
    """Where an import stands. It is read and previewed, and then written if its user confirms it."""

    WAITING = "waiting", _("Waiting")
    READING = "reading", _("Reading")
    PREVIEWED = "previewed", _("To be confirmed")
    FAULTY = "faulty", _("Has errors")
    CONFIRMED = "confirmed", _("Confirmed")
    WRITING = "writing", _("Being imported")
    DONE = "done", _("Imported")
    FAILED = "failed", _("Failed")
    DISCARDED = "discarded", _("Discarded")


IN_BACKGROUND = (ImportState.WAITING, ImportState.READING, ImportState.CONFIRMED, ImportState.WRITING)
"""The states in which the background worker has something to do."""


class ClinicImportQuerySet(models.QuerySet["ClinicImport"]):
    def visible_to(self, user: User) -> "ClinicImportQuerySet":
        """The user's own imports. Nobody else sees them, because they contain everything that is in the files."""
        return self.filter(by=user)

    def without_contents(self) -> "ClinicImportQuerySet":
        """Load neither the files nor the details, which can be many megabytes."""
        return self.defer("upload", "details")

    def claimable(self, now: datetime) -> "ClinicImportQuerySet":
        """Imports that a worker may claim: those that wait, and those whose worker seems to have been killed."""
        return self.filter(
            Q(state__in=[ImportState.WAITING, ImportState.CONFIRMED])
            | Q(state__in=[ImportState.READING, ImportState.WRITING], active_at__lte=now - CLAIM_LASTS)
        )

    def expired(self, now: datetime) -> "ClinicImportQuerySet":
        """Imports with files or details that are no longer kept."""
        return self.filter(active_at__lte=now - KEPT_FOR).exclude(upload=None, details=None)


class ClinicImport(models.Model):
    """One import of a clinic's files through a page.

    The files and the details of the result can contain patients' data. Therefore both are encrypted, only the import's
    user sees them, and they are deleted after `KEPT_FOR`. The files are deleted as soon as the import is done or discarded.
    """

    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", verbose_name=_("imported by"))
    created_at = models.DateTimeField(_("uploaded"))
    file_names = models.CharField(_("files"), max_length=500)
    date_order = models.CharField(
        _("order of dates"), max_length=3, blank=True, help_text=_("Blank if only clear dates are accepted.")
    )
    state = models.CharField(_("status"), max_length=10, choices=ImportState.choices, default=ImportState.WAITING)
    upload = models.BinaryField(_("files, encrypted"), null=True)
    details = models.BinaryField(_("details of the result, encrypted"), null=True)
    digest = models.CharField(_("digest of the changes shown"), max_length=64, blank=True)
    has_changed = models.BooleanField(
        _("previewed again"), default=False, help_text=_("Whether the clinic changed after the import was confirmed.")
    )
    new = models.PositiveIntegerField(_("new rows"), default=0)
    changed = models.PositiveIntegerField(_("changed rows"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged rows"), default=0)
    faults = models.PositiveIntegerField(_("errors"), default=0)
    claimed_at = models.DateTimeField(_("begun"), null=True, help_text=_("When a worker began with it."))
    active_at = models.DateTimeField(
        _("last active"), help_text=_("When a worker last reported progress, or a worker was last asked to begin.")
    )
    progress_table = models.CharField(_("table in progress"), max_length=60, blank=True)
    progress_done = models.PositiveIntegerField(_("rows done"), default=0)
    progress_rows = models.PositiveIntegerField(_("rows of the table"), default=0)

    objects = ClinicImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ImportState.values), name="import_state_is_known"),
            models.CheckConstraint(
                condition=~Q(state__in=[ImportState.DONE, ImportState.DISCARDED]) | Q(upload=None),
                name="import_keeps_no_files_once_it_is_over",
            ),
        ]
        indexes = [models.Index(fields=["by", "-created_at"], name="import_by_user")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def is_in_background(self) -> bool:
        """Whether the background worker has something to do."""
        return self.state in IN_BACKGROUND

    def seems_stuck(self, now: datetime) -> bool:
        """Whether the background worker should have finished or begun long ago."""
        return self.is_in_background and self.active_at <= now - CLAIM_LASTS
