"""The pages on which administrators set weekly-hours rules from a day on. A preview first shows the effects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from scheduling.formats import day
from scheduling.forms.administration.rule_sets import RuleSetForm
from scheduling.models import RuleSet, Site
from scheduling.reason_text import reason_text
from scheduling.services.administration.rule_sets import (
    RulesEffect,
    earliest_start,
    effect_of_rules,
    last_day_held,
    rules_of,
    rules_scope,
    set_rules,
    withdraw_rules,
)
from scheduling.services.administration.versions import version_of
from scheduling.views.administration.sites import managed_site
from scheduling.views.administration.versions import seen_version, shows_other_version
from scheduling.views.preview.confirmation import submit_with_preview
from scheduling.views.refusals import submit_button

METHODS = ["GET", "HEAD", "POST"]
DAY = timedelta(days=1)
A_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class RulesRow:
    """A rule set in the list. `last_day` is the day before the level's next rule set starts, or None.

    A rule set is changeable until patients have been in a session on or after its first day.
    """

    rules: RuleSet
    last_day: date | None
    is_upcoming: bool
    is_over: bool
    is_changeable: bool


def _rows(rule_sets: Sequence[RuleSet], today: date, held: date | None) -> Iterator[RulesRow]:
    """Yield a row for each rule set: rules for all levels of care first, then by level. Within a level, newest first.

    `held` is the last day on which patients were in a session, or None if there is none.
    """
    following: dict[str, date] = {}
    for rules in sorted(rule_sets, key=lambda each: (each.level, -each.starts.toordinal())):
        next_starts = following.get(rules.level)
        last_day = next_starts - DAY if next_starts else None
        is_over = last_day is not None and last_day < today
        is_changeable = not is_over and (held is None or held < rules.starts)
        yield RulesRow(rules, last_day, rules.starts > today, is_over, is_changeable)
        following[rules.level] = rules.starts


def _managed_rules(user: User, rules_id: int) -> RuleSet:
    """Find a rule set that the user may manage. Raises Http404 or PermissionDenied for any other rule set."""
    rules = get_object_or_404(RuleSet.objects.visible_to(user).select_related("site"), pk=rules_id)
    forbid_unless(user.may(Permission.MANAGE_SITE, rules.site_id))
    return rules


@staff_required(Permission.MANAGE_SITE)
@require_safe
def rule_sets(request: HttpRequest, site_id: int) -> HttpResponse:
    """List the past, current and future weekly-hours rules of a site."""
    site, now = managed_site(signed_in(request), site_id), clock.now()
    held = last_day_held(site, site.today_at(now) - A_YEAR, now)
    rows = list(_rows(list(RuleSet.objects.filter(site=site)), site.today_at(now), held))
    return render(request, "scheduling/administration/site/rule_sets.html", {"site": site, "rows": rows})


@staff_required(Permission.MANAGE_SITE)
@require_http_methods(METHODS)
def rule_set_new(request: HttpRequest, site_id: int) -> HttpResponse:
    """Set new rules from a day on. The form is filled in with the current rules for all levels of care."""
    user, now = signed_in(request), clock.now()
    site = managed_site(user, site_id)
    for_all = RuleSet.objects.filter(site=site, level="", starts__lte=site.today_at(now))
    rules = for_all.order_by("-starts").first() or RuleSet(site=site)
    rules.starts = earliest_start(site, rules.week_starts, now)
    return _rules_page(request, site, RuleSetForm(request.POST or None, rules=rules), now, _("Set new rules"))


@staff_required(Permission.MANAGE_SITE)
@require_http_methods(METHODS)
def rule_set_edit(request: HttpRequest, rules_id: int) -> HttpResponse:
    """Change a rule set. The service refuses if patients have been in a session on or after its first day."""
    rules = _managed_rules(signed_in(request), rules_id)
    heading = _("Rules from %(on)s") % {"on": day(rules.starts)}
    form = RuleSetForm(request.POST or None, rules=rules, is_fixed=True)
    return _rules_page(request, rules.site, form, clock.now(), heading, is_of_record=True)


def _rules_page(
    request: HttpRequest, site: Site, form: RuleSetForm, now: datetime, heading: str, *, is_of_record: bool = False
) -> HttpResponse:
    version = version_of(*rules_of(site))
    context: dict[str, object] = {"form": form, "site": site, "heading": heading, "button": _("Save rules")}
    context["version"] = version
    is_seen = not shows_other_version(request, form, version, is_of_record=is_of_record)
    if request.method == "POST" and is_seen and form.is_valid():
        values, seen = form.values(), seen_version(request)
        service = partial(set_rules, site=site, values=values, seen=seen, by=signed_in(request), now=now)
        scope = rules_scope(site, values.starts, now)
        submission = submit_with_preview(request, service, scope=scope, now=now, action="weekly-hours rules", form=form)
        if submission.saved:
            messages.success(request, _("The rules hold from %(on)s on.") % {"on": day(values.starts)})
            return redirect("rule-sets", site.pk)
        if submission.preview:
            context |= {"notes": list(_notes(effect_of_rules(site, values)))}
        context |= submission.preview
    status = 422 if form.errors else 200
    return render(request, "scheduling/administration/site/rule_set_form.html", context, status=status)


def _notes(effect: RulesEffect) -> Iterator[str]:
    """Yield a sentence for each track that would break the rules, and sentences about prescriptions outside the limits."""
    for each in effect.tracks:
        reasons = " ".join(reason_text(reason) for reason in each.reasons)
        yield _("%(track)s would break these rules. %(reasons)s") % {"track": each.track.name, "reasons": reasons}
    if effect.below:
        yield ngettext(
            "%(number)d patient is prescribed fewer hours than the new minimum.",
            "%(number)d patients are prescribed fewer hours than the new minimum.",
            effect.below,
        ) % {"number": effect.below}
    if effect.above:
        yield ngettext(
            "%(number)d patient is prescribed more hours than the new maximum.",
            "%(number)d patients are prescribed more hours than the new maximum.",
            effect.above,
        ) % {"number": effect.above}


@staff_required(Permission.MANAGE_SITE)
@require_POST
def rule_set_withdraw(request: HttpRequest, rules_id: int) -> HttpResponse:
    """Withdraw a rule set. The service refuses if patients have been in a session on or after its first day."""
    user = signed_in(request)
    rules = _managed_rules(user, rules_id)
    text = _("The rules from %(on)s are withdrawn. The earlier rules go on.") % {"on": day(rules.starts)}
    submit_button(request, lambda: withdraw_rules(rules=rules, by=user, now=clock.now()), text)
    return redirect("rule-sets", rules.site_id)
