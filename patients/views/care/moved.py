"""Say in the preview of a corrected admission on which days enrollments begin."""

from datetime import date

from django.utils.translation import gettext as _

from patients.models import Episode
from scheduling.formats import day


def first_days(episode: Episode, starts: date) -> list[str]:
    """Return a sentence for each enrollment that moves with the admission, or that stays although the admission moves."""
    notes = []
    for each in episode.enrollments.select_related("track").order_by("starts"):
        values = {"track": each.track, "first": day(each.starts), "new": day(starts)}
        if each.starts < starts:
            notes.append(_("The enrollment in %(track)s begins on %(new)s instead of %(first)s.") % values)
        elif starts < episode.starts == each.starts:
            notes.append(_("The enrollment in %(track)s still begins on %(first)s.") % values)
    return notes
