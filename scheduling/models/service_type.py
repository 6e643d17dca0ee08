"""Types of service of meetings and sessions."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ServiceType(models.Model):
    """A type of service, such as group, individual, family or education."""

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    countable = models.BooleanField(
        _("counts toward weekly hours"), default=True, help_text=_("Sessions of this type count toward weekly hours.")
    )

    class Meta:
        verbose_name = _("type of service")
        verbose_name_plural = _("types of service")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
