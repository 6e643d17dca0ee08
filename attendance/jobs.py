"""What happened, kept up every night."""

from django.tasks import task

from attendance.services.leaves import update_excuses_at
from iopmanager import clock
from scheduling.formats import counted
from scheduling.models import Site


@task
def update_site_excuses(site_id: int) -> str:
    """Excuses what was booked into leaves of absence since they were taken."""
    changed = update_excuses_at(site=Site.objects.get(pk=site_id), now=clock.now())
    return f"{counted(changed, 'mark')} written or taken back." if changed else "Nothing was missing."
