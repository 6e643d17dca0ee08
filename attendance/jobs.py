"""Nightly job that updates the excused marks of patients on leave."""

from django.tasks import task

from attendance.services.excuses import update_excuses_at_site
from iopmanager import clock
from scheduling.formats import counted
from scheduling.models import Site


@task
def update_site_excuses(site_id: int) -> str:
    """Update the marks that excuse the site's patients during leaves, and report how many marks changed."""
    changed = update_excuses_at_site(site=Site.objects.get(pk=site_id), now=clock.now())
    return f"{counted(changed, 'mark')} written or taken back." if changed else "Nothing was missing."
