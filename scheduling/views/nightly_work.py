"""The status of the nightly jobs and of outgoing mail, for users who manage a site."""

from datetime import tzinfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.domain.job_schedule import MAX_ATTEMPTS, scheduler_seems_stopped
from accounts.jobs import ScheduledJob, scheduled_jobs
from accounts.models import JobRun, OutgoingMail
from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from iopmanager import clock
from iopmanager.jobs import NIGHTLY
from scheduling.models import Site
from scheduling.views.current_site import current_site, sites_worked_at


@staff_required(Permission.MANAGE_SITE)
@require_safe
def nightly_work(request: HttpRequest) -> HttpResponse:
    """List each job at each site with its last and next run, and say whether mail waits.

    Warn if no scheduler or no worker seems to be running.
    """
    user, now = signed_in(request), clock.now()
    sites = [site for site in sites_worked_at(request) if user.may(Permission.MANAGE_SITE, site.pk)]
    scopes = [site.as_job_scope() for site in sites]
    scheduled = scheduled_jobs(jobs=NIGHTLY, sites=scopes, runs=JobRun.objects.visible_to(user), now=now)
    groups: list[tuple[Site | None, tzinfo, list[ScheduledJob]]] = [
        (site, site.zone, [each for each in scheduled if each.scope.key == site.pk]) for site in sites
    ]
    groups.append((None, current_site(request).zone, [each for each in scheduled if each.scope.key is None]))
    last_started = max((each.last_run.started_at for each in scheduled if each.last_run), default=None)
    context = {
        "groups": groups,
        "now": now,
        "most_tries": MAX_ATTEMPTS,
        "here": current_site(request),
        "outbox": OutgoingMail.objects.state(now),
        "last_started": last_started,
        "seems_stopped": scheduler_seems_stopped(last_started=last_started, now=now),
    }
    return render(request, "scheduling/nightly_work.html", context)
