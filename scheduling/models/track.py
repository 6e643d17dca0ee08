from datetime import date
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import Permission
from patients.models import LevelOfCare
from scheduling.models.site import Site

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from scheduling.models.enrollment import Enrollment
    from scheduling.models.meeting import Meeting


class TrackStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")
    RETIRED = "retired", _("Retired")


class EntryMode(models.TextChoices):
    ROLLING = "rolling", _("On any day")
    COHORT = "cohort", _("On start dates only")


class TrackQuerySet(models.QuerySet["Track"]):
    def visible_to(self, user: User) -> "TrackQuerySet":
        return self.filter(user.may_at(Permission.SEE_TIMETABLE))

    def managed_by(self, user: User) -> "TrackQuerySet":
        return self.filter(user.may_at(Permission.MANAGE_TIMETABLE))

    def published(self) -> "TrackQuerySet":
        """Tracks in which patients can be enrolled."""
        return self.filter(status=TrackStatus.PUBLISHED)


class Track(models.Model):
    """A named set of weekly meetings. The track's weekly hours are computed, not entered."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="tracks", verbose_name=_("site"))
    code = models.CharField(_("track code"), max_length=40)
    name = models.CharField(_("name"), max_length=120)
    population = models.CharField(
        _("population"), max_length=120, blank=True, help_text=_("For example adults with co-occurring disorders.")
    )
    status = models.CharField(_("status"), max_length=12, choices=TrackStatus.choices, default=TrackStatus.DRAFT)
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)
    individual_minutes = models.PositiveSmallIntegerField(
        _("individual minutes a week"),
        default=0,
        help_text=_("Individual or family minutes a week, scheduled for each patient."),
    )
    entry = models.CharField(_("patients start"), max_length=10, choices=EntryMode.choices, default=EntryMode.ROLLING)
    level = models.CharField(
        _("level of care"),
        max_length=4,
        choices=LevelOfCare.choices,
        blank=True,
        help_text=_("Leave blank for any level of care."),
    )
    from_age = models.PositiveSmallIntegerField(
        _("minimum age"), null=True, blank=True, help_text=_("Age on the first day. Leave blank for no minimum age.")
    )
    to_age = models.PositiveSmallIntegerField(
        _("maximum age"), null=True, blank=True, help_text=_("Age on the first day. Leave blank for no maximum age.")
    )
    meetings: "models.ManyToManyField[Meeting, models.Model]" = models.ManyToManyField(
        "scheduling.Meeting", related_name="tracks", blank=True, verbose_name=_("groups")
    )

    objects = TrackQuerySet.as_manager()

    if TYPE_CHECKING:
        cohort_starts: RelatedManager["CohortStart"]
        enrollments: RelatedManager[Enrollment]

    class Meta:
        verbose_name = _("track")
        verbose_name_plural = _("tracks")
        ordering = ["site", "name"]
        constraints = [
            models.UniqueConstraint("site", "code", name="track_code_is_unique_at_a_site"),
            models.CheckConstraint(
                condition=Q(status=TrackStatus.DRAFT, published_at=None)
                | (~Q(status=TrackStatus.DRAFT) & Q(published_at__isnull=False)),
                name="track_has_been_published_unless_draft",
            ),
            models.CheckConstraint(condition=Q(status__in=TrackStatus.values), name="track_status_is_known"),
            models.CheckConstraint(condition=Q(entry__in=EntryMode.values), name="track_entry_is_known"),
            models.CheckConstraint(
                condition=Q(individual_minutes__lte=1500), name="track_individual_minutes_fit_a_week"
            ),
            models.CheckConstraint(condition=Q(level__in=["", *LevelOfCare.values]), name="track_level_is_known"),
            models.CheckConstraint(
                condition=Q(from_age=None) | Q(to_age=None) | Q(from_age__lte=F("to_age")),
                name="track_ages_are_a_range",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_site_id(self) -> int:
        return self.site_id

    @property
    def is_open_to_all(self) -> bool:
        """Whether the track takes patients of any level of care and any age."""
        return not self.level and self.from_age is None and self.to_age is None

    @property
    def mixes(self) -> bool:
        """Whether the track's patients may attend meetings of other tracks.

        A track that takes patients in cohorts never mixes, because its patients start together and stay together.
        """
        return self.site.mixes_tracks and self.entry == EntryMode.ROLLING

    def next_entry(self, day: date) -> date | None:
        """Return the first date on or after `day` on which a patient can start, or None. Reads prefetched start dates."""
        if self.entry == EntryMode.ROLLING:
            return day
        return min((start.on for start in self.cohort_starts.all() if start.on >= day), default=None)


class CohortStart(models.Model):
    """A start date of a track that takes patients in cohorts."""

    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="cohort_starts", verbose_name=_("track"))
    on = models.DateField(_("date"))

    class Meta:
        verbose_name = _("track start date")
        verbose_name_plural = _("track start dates")
        ordering = ["track", "on"]
        constraints = [models.UniqueConstraint("track", "on", name="cohort_starts_once_on_a_date")]

    def __str__(self) -> str:
        return f"{self.track}, {date_format(self.on)}"

    @property
    def audit_site_id(self) -> int:
        return self.track.site_id
