"""Nightly job that updates the excused marks of patients on leave."""

from django.tasks import task
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from attendance.services.excuses import update_excuses_at_site
from iopmanager import clock
from scheduling.models import Site


@task
def update_site_excuses(site_id: int) -> str:
    """Update the marks that excuse the site's patients during leaves.

    Return a sentence with the number of changed marks.
    """
    changed = update_excuses_at_site(site=Site.objects.get(pk=site_id), now=clock.now())
    if not changed:
        return _("Nothing to update.")
    return ngettext(
        "%(number)d excused absence added or removed.", "%(number)d excused absences added or removed.", changed
    ) % {"number": changed}
