"""Preview how a change would affect patients, and apply it once the user confirms it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.views import signed_in
from scheduling.domain.impact.impact import Impact
from scheduling.services.preview.preview import ImpactChanged, WeekReader, apply_previewed, no_weeks, preview_impact
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.views.current_site import is_own_url
from scheduling.views.preview.impact_summary import summarize_impact
from scheduling.views.refusals import RefusableForm, Saved, show_refusal
from timekeeping.reasons import Reason, Refused

SEEN, CHECK, NEXT = "seen", "check", "next"
"""Form field names: the confirmed impact's key, a request for a preview, and the URL to go to afterward."""


@dataclass(frozen=True)
class Submission[T]:
    """The outcome of submitting a change. At most one of the fields is set.

    `saved` has the result of the service. `reasons` says why the service refused the change. `preview` is the template
    context of a preview. `preview["is_outdated"]` is True if the impact has changed since the user confirmed it.
    """

    saved: Saved[T] | None = None
    preview: Mapping[str, object] = field(default_factory=dict)
    reasons: Sequence[Reason] = ()


def submit_with_preview[T](
    request: HttpRequest,
    service: Callable[[], T],
    *,
    scope: SnapshotScope,
    now: datetime,
    action: str,
    form: RefusableForm | None = None,
    preview_only: bool = False,
    preview_always: bool = False,
    weeks: WeekReader = no_weeks,
) -> Submission[T]:
    """Apply the change, or preview it if the user still has to confirm it.

    A change has to be confirmed if it affects a patient, or if it leaves a session without its room or staff. A change
    is also previewed if the user asked for a preview, or if it changes one of the treatment weeks that `weeks` reads.
    With `preview_always`, every change is previewed. With `preview_only`, nothing is applied. `action` names the change
    in the audit trail. If the service refuses the change, the reasons become errors of `form`.
    """

    def preview(impact: Impact, *, is_outdated: bool = False) -> Submission[T]:
        summary = summarize_impact(impact, site=scope.site, user=signed_in(request), now=now, action=action)
        return Submission(preview={"impact": summary, "is_outdated": is_outdated})

    seen = "" if preview_only else request.POST.get(SEEN, "")
    try:
        if not seen:
            impact = preview_impact(service, scope=scope, now=now, weeks=weeks)
            is_asked = preview_only or preview_always or CHECK in request.POST
            if is_asked or impact.patients or impact.incomplete or impact.weeks:
                return preview(impact)
            seen = impact.key
        return Submission(saved=Saved(apply_previewed(service, scope=scope, now=now, seen=seen, weeks=weeks)))
    except ImpactChanged as changed:
        return preview(changed.impact, is_outdated=True)
    except Refused as refused:
        if form is not None:
            show_refusal(form, refused)
        return Submission(reasons=refused.reasons)


def redirect_to_next(request: HttpRequest, otherwise: str, *args: object) -> HttpResponse:
    """Redirect to the URL in `next` if it belongs to this server, or else to the URL named `otherwise`."""
    url = next_url(request)
    return redirect(url) if url else redirect(otherwise, *args)


def next_url(request: HttpRequest) -> str:
    """Return the URL in `next` if it belongs to this server, or else an empty string."""
    url = request.POST.get(NEXT) or request.GET.get(NEXT, "")
    return url if is_own_url(request, url) else ""
