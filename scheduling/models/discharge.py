from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from patients.models import Episode
from patients.models.audited import OfEpisode


class DischargeRecord(OfEpisode, models.Model):
    """What a discharge ended, so that it can be taken back. It is deleted when the discharge is taken back.

    `ended` is written and read only by `scheduling.services.enrollment.discharge_state`.
    """

    episode = models.OneToOneField(
        Episode, on_delete=models.CASCADE, related_name="discharge_record", verbose_name=_("episode of care")
    )
    at = models.DateTimeField(
        _("recorded"), help_text=_("The bookings that the discharge released have the same time.")
    )
    ended = models.JSONField(_("what the discharge ended"), encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name = _("discharge")
        verbose_name_plural = _("discharges")
        ordering = ["episode"]

    def __str__(self) -> str:
        return gettext("Discharge: %(episode)s") % {"episode": self.episode}
