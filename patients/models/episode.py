from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from patients.models.audited import OfEpisode
from patients.models.patient import Patient

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from scheduling.models import Booking, Enrollment, Site


class LevelOfCare(models.TextChoices):
    """ASAM levels of care for outpatient programs with nine or more hours a week."""

    INTENSIVE = "2.1", _("2.1 Intensive outpatient")
    HIGHER = "2.5", _("2.5 Partial hospitalization")


class EpisodeQuerySet(models.QuerySet["Episode"]):
    def visible_to(self, user: User) -> "EpisodeQuerySet":
        return self.filter(patient__in=Patient.objects.visible_to(user))

    def open_on(self, day: date) -> "EpisodeQuerySet":
        """Episodes that include the day."""
        return self.filter(Q(ends=None) | Q(ends__gt=day), starts__lte=day)

    def open_on_or_after(self, day: date) -> "EpisodeQuerySet":
        """Episodes that include the day or begin after it."""
        return self.filter(Q(ends=None) | Q(ends__gt=day))

    def overlapping(self, first: date, until: date) -> "EpisodeQuerySet":
        """Episodes that include a day in [first, until)."""
        return self.filter(Q(ends=None) | Q(ends__gt=first), starts__lt=until)

    def at(self, site: "Site", first: date, until: date) -> "EpisodeQuerySet":
        """Episodes that were at the site on a day in [first, until), even if they have since been transferred."""
        arrived = Q(came_on=None) | Q(came_on__lt=until)
        before = FormerSite.objects.filter(episode=OuterRef("pk"), site=site, starts__lt=until, ends__gt=first)
        return self.overlapping(first, until).filter(Q(arrived, site=site) | Exists(before))


class Episode(models.Model):
    """An episode of care from admission to discharge, on the dates [starts, ends).

    `site` is the current site of the episode. If the episode was transferred to this site, `came_on` is the first day
    at the site; otherwise it is None. Earlier sites are in `FormerSite`.
    """

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="episodes", verbose_name=_("patient"))
    site = models.ForeignKey(
        "scheduling.Site", on_delete=models.PROTECT, related_name="episodes", verbose_name=_("site")
    )
    starts = models.DateField(_("admitted on"))
    ends = models.DateField(_("discharged"), null=True, blank=True, help_text=_("The day after the last day in care."))
    came_on = models.DateField(
        _("at this site since"),
        null=True,
        blank=True,
        help_text=_("Blank if the patient has been at this site from the start."),
    )
    referral_source = models.CharField(_("referral source"), max_length=120, blank=True)
    discharge_reason = models.CharField(_("discharge reason"), max_length=120, blank=True)

    objects = EpisodeQuerySet.as_manager()

    if TYPE_CHECKING:
        spans: RelatedManager["LevelOfCareSpan"]
        former_sites: RelatedManager["FormerSite"]
        bookings: RelatedManager[Booking]
        enrollments: RelatedManager[Enrollment]

    class Meta:
        verbose_name = _("episode of care")
        verbose_name_plural = _("episodes of care")
        ordering = ["patient", "-starts"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends=None) | Q(starts__lt=F("ends")), name="episode_ends_after_it_starts"
            ),
            models.UniqueConstraint("patient", condition=Q(ends=None), name="patient_has_one_open_episode"),
            models.CheckConstraint(
                condition=Q(came_on=None) | Q(came_on__gt=F("starts")), name="episode_moves_after_it_starts"
            ),
        ]

    def __str__(self) -> str:
        return gettext("%(patient)s, from %(date)s") % {"patient": self.patient, "date": date_format(self.starts)}

    @property
    def audit_patient_id(self) -> int:
        return self.patient_id

    @property
    def audit_site_id(self) -> int:
        return self.site_id

    @property
    def last_day(self) -> date | None:
        return self.ends - timedelta(days=1) if self.ends else None

    def holds_on(self, day: date) -> bool:
        """Whether the patient is in care on the day."""
        return self.starts <= day and (self.ends is None or day < self.ends)

    def earliest_from(self, day: date) -> date:
        """Return `day` or the first day of the episode, whichever is later."""
        return max(day, self.starts)

    def span_on(self, day: date) -> "LevelOfCareSpan | None":
        """Return the span of the level of care that is in force on the day, or None. Uses the prefetched spans."""
        return next((span for span in self.spans.all() if span.holds_on(day)), None)

    def site_on(self, day: date) -> "Site":
        """Return the site of the episode on the day. Only days before the latest transfer need a query."""
        if self.came_on is None or self.came_on <= day:
            return self.site
        former = self.former_sites.select_related("site").order_by("starts")
        return next((each.site for each in former if day < each.ends), self.site)


class FormerSite(models.Model):
    """A former site of a transferred episode. The episode was at this site on the dates [starts, ends)."""

    episode = models.ForeignKey(
        Episode, on_delete=models.CASCADE, related_name="former_sites", verbose_name=_("episode of care")
    )
    site = models.ForeignKey("scheduling.Site", on_delete=models.PROTECT, related_name="+", verbose_name=_("site"))
    starts = models.DateField(_("first day"))
    ends = models.DateField(_("day after the last"), help_text=_("The first day at the next site."))

    class Meta:
        verbose_name = _("former site")
        verbose_name_plural = _("former sites")
        ordering = ["episode", "starts"]
        constraints = [
            models.CheckConstraint(condition=Q(starts__lt=F("ends")), name="former_site_ends_after_it_starts"),
            models.UniqueConstraint("episode", "starts", name="episode_is_at_one_site_from_a_date"),
        ]

    def __str__(self) -> str:
        return gettext("%(site)s until %(date)s") % {
            "site": self.site,
            "date": date_format(self.ends - timedelta(days=1)),
        }

    @property
    def audit_patient_id(self) -> int:
        return self.episode.patient_id

    @property
    def audit_site_id(self) -> int:
        return self.site_id


class LevelOfCareSpan(OfEpisode, models.Model):
    """A period of an episode at one level of care, with the prescribed hours. A change of level begins a new span."""

    episode = models.ForeignKey(
        Episode, on_delete=models.CASCADE, related_name="spans", verbose_name=_("episode of care")
    )
    level = models.CharField(_("level of care"), max_length=4, choices=LevelOfCare.choices)
    prescribed_minutes = models.PositiveSmallIntegerField(
        _("prescribed minutes a week"), help_text=_("Total treatment minutes in a week.")
    )
    prescribed_days = models.PositiveSmallIntegerField(
        _("prescribed days a week"), help_text=_("Treatment days in a week.")
    )
    starts = models.DateField(_("first day"))
    ends = models.DateField(
        _("day after the last"), null=True, blank=True, help_text=_("Blank if there is no end date.")
    )
    stated_by = models.CharField(
        _("ordered by"), max_length=120, help_text=_("Name and credential of the person who ordered the level of care.")
    )
    exception_reason = models.CharField(
        _("reason for the exception"),
        max_length=200,
        blank=True,
        help_text=_("Why the prescription is outside the site’s rules. Blank if it is within them."),
    )

    class Meta:
        verbose_name = _("ordered level of care")
        verbose_name_plural = _("ordered levels of care")
        ordering = ["episode", "starts"]
        constraints = [
            models.CheckConstraint(condition=Q(ends=None) | Q(starts__lt=F("ends")), name="span_ends_after_it_starts"),
            models.UniqueConstraint("episode", condition=Q(ends=None), name="episode_has_one_open_span"),
            models.UniqueConstraint("episode", "starts", name="episode_has_one_span_from_a_date"),
            models.CheckConstraint(
                condition=Q(prescribed_minutes__gte=1, prescribed_minutes__lte=10080),
                name="span_prescribes_minutes_of_a_week",
            ),
            models.CheckConstraint(
                condition=Q(prescribed_days__gte=1, prescribed_days__lte=7), name="span_prescribes_days_of_a_week"
            ),
            models.CheckConstraint(condition=Q(level__in=LevelOfCare.values), name="span_level_is_known"),
        ]

    def __str__(self) -> str:
        return gettext("%(level)s from %(date)s") % {
            "level": self.get_level_display(),
            "date": date_format(self.starts),
        }

    def holds_on(self, day: date) -> bool:
        """Whether the level of care is in force on the day."""
        return self.starts <= day and (self.ends is None or day < self.ends)
