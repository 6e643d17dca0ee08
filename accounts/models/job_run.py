"""The runs of nightly jobs."""

from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.db import models
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext_lazy as _

from accounts.domain import job_schedule
from accounts.models.user import User
from accounts.permissions import GRANTS, Permission


class JobOutcome(models.TextChoices):
    RUNNING = job_schedule.AttemptOutcome.RUNNING.value, _("Running")
    DONE = job_schedule.AttemptOutcome.DONE.value, _("Done")
    FAILED = job_schedule.AttemptOutcome.FAILED.value, _("Failed")


class JobRunQuerySet(models.QuerySet["JobRun"]):
    def visible_to(self, user: User) -> "JobRunQuerySet":
        """Runs at sites that the user manages. Managers of at least one site also see runs that belong to no site."""
        granted = [site for role, site in user.assigned_roles if Permission.MANAGE_SITE in GRANTS[role]]
        if not user.is_active or not granted:
            return self.none()
        if None in granted:
            return self
        return self.filter(Q(site_key__in=granted) | Q(site_key=None))

    def last_or_of(self, nights: Collection[date], *, now: datetime) -> "JobRunQuerySet":
        """The last run of each job at each site, and every run of the `nights`.

        A run whose start is in the future, because a clock was ahead, does not count as the last.
        """
        position = Window(RowNumber(), partition_by=["name", "site_key"], order_by=["-started_at", "-pk"])
        last = self.filter(started_at__lte=now).annotate(position=position).filter(position=1)
        return self.filter(Q(night__in=nights) | Q(pk__in=last.values("pk"))).order_by("-started_at", "-pk")


class JobRun(models.Model):
    """One attempt to run a nightly job.

    A run refers to its site by id, without a foreign key, so that the run stays when the site is deleted.
    """

    name = models.CharField(_("job"), max_length=60)
    site_key = models.BigIntegerField(_("site ID"), null=True)
    site_label = models.CharField(_("site"), max_length=120, blank=True)
    night = models.DateField(_("night"), help_text=_("The date on which the job was due."))
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=JobOutcome.choices, default=JobOutcome.RUNNING)
    words = models.CharField(_("summary"), max_length=300, blank=True, help_text=_("What the job did, without names."))

    objects = JobRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("nightly job run")
        verbose_name_plural = _("nightly job runs")
        ordering = ["-started_at", "-pk"]
        constraints = [
            # Before a scheduler runs a job, it inserts a row for the attempt. Only one scheduler can insert that row.
            models.UniqueConstraint("name", "site_key", "night", "attempt", name="job_is_tried_once_at_a_site"),
            models.UniqueConstraint(
                "name", "night", "attempt", condition=Q(site_key=None), name="job_about_no_site_is_tried_once"
            ),
            models.CheckConstraint(
                condition=Q(attempt__range=(1, job_schedule.MAX_ATTEMPTS)), name="job_is_tried_so_often_a_night"
            ),
            models.CheckConstraint(condition=Q(outcome__in=JobOutcome.values), name="job_run_outcome_is_known"),
            models.CheckConstraint(
                condition=Q(outcome=JobOutcome.RUNNING, finished_at=None)
                | (~Q(outcome=JobOutcome.RUNNING) & Q(finished_at__isnull=False)),
                name="job_run_is_unfinished_exactly_when_running",
            ),
            models.CheckConstraint(
                condition=Q(finished_at=None) | Q(finished_at__gte=F("started_at")), name="job_run_ends_after_it_starts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.site_label}" if self.site_label else self.name

    @property
    def audit_site_id(self) -> int | None:
        return self.site_key

    @property
    def duration(self) -> timedelta | None:
        return self.finished_at - self.started_at if self.finished_at else None

    def as_past_attempt(self) -> job_schedule.PastAttempt:
        return job_schedule.PastAttempt(
            self.night, self.attempt, job_schedule.AttemptOutcome(self.outcome), self.started_at
        )
