"""Preview what a change would do to patients, and apply it once it is confirmed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.views import signed_in
from scheduling.domain.impact.impact import Impact
from scheduling.services.preview.preview import ImpactChanged, apply_previewed, preview_impact
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.views.current_site import is_own_url
from scheduling.views.preview.impact_summary import summarize_impact
from scheduling.views.refusals import RefusableForm, Saved, show_refusal
from timekeeping.reasons import Reason, Refused

SEEN, CHECK, NEXT = "seen", "check", "next"
"""Field names of the forms: the key of the impact that is confirmed, the wish to see it first, and where to go afterwards."""


@dataclass(frozen=True)
class Submission[T]:
    """The outcome of a change that is previewed first: exactly one of the three is set.

    `preview` is for the template's context: `impact`, and `is_outdated` if another impact than this one was confirmed.
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
) -> Submission[T]:
    """Apply the change if it was confirmed as it was shown or affects no patient; otherwise preview it.

    `action` names the change in the audit trail of the patients whom the preview names. If the service refuses, the
    reasons become errors of `form`, if one is given. With `preview_only` nothing is applied, whatever was confirmed.
    """

    def preview(impact: Impact, *, is_outdated: bool = False) -> Submission[T]:
        summary = summarize_impact(impact, site=scope.site, user=signed_in(request), now=now, action=action)
        return Submission(preview={"impact": summary, "is_outdated": is_outdated})

    seen = "" if preview_only else request.POST.get(SEEN, "")
    try:
        if not seen:
            impact = preview_impact(service, scope=scope, now=now)
            if preview_only or impact.patients or impact.incomplete or CHECK in request.POST:
                return preview(impact)
            seen = impact.key
        return Submission(saved=Saved(apply_previewed(service, scope=scope, now=now, seen=seen)))
    except ImpactChanged as changed:
        return preview(changed.impact, is_outdated=True)
    except Refused as refused:
        if form is not None:
            show_refusal(form, refused)
        return Submission(reasons=refused.reasons)


def redirect_to_next(request: HttpRequest, otherwise: str, *args: object) -> HttpResponse:
    """Redirect to the page of ours in `next`, or else to the URL with the name `otherwise`."""
    url = next_url(request)
    return redirect(url) if url else redirect(otherwise, *args)


def next_url(request: HttpRequest) -> str:
    """Return the URL in `next` if it is one of ours, or else the empty string."""
    url = request.POST.get(NEXT) or request.GET.get(NEXT, "")
    return url if is_own_url(request, url) else ""
