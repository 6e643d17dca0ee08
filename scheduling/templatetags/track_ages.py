"""A template tag for the age range of a track."""

from django import template
from django.utils.translation import gettext as _

register = template.Library()


@register.simple_tag
def ages(from_age: int | None, to_age: int | None) -> str:
    """Format an age range: 18 and 25 → "ages 18 to 25". Either bound can be None; with no bounds the result is "all ages"."""
    if from_age is None:
        return _("all ages") if to_age is None else _("ages up to %(oldest)d") % {"oldest": to_age}
    if to_age is None:
        return _("ages %(youngest)d and over") % {"youngest": from_age}
    return _("ages %(youngest)d to %(oldest)d") % {"youngest": from_age, "oldest": to_age}
