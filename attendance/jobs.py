"""What happened, kept up every night."""

from django.tasks import task

from attendance.services.leaves import excuse_leaves
from iopmanager import clock
from scheduling.models import Site
from scheduling.templatetags.formats import counted


@task
def excuse_leaves_at(site_id: int) -> str:
    """Excuses what was booked into leaves of absence since they were taken."""
    changed = excuse_leaves(site=Site.objects.get(pk=site_id), now=clock.now())
    return f"{counted(changed, 'mark')} written or taken back." if changed else "Nothing was missing."
