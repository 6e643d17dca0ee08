"""The page on which staff choose the language and the clock of their pages."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.forms import ReaderSettingsForm
from accounts.permissions import Permission
from accounts.services.reader_settings import choose_reader_settings
from accounts.views import signed_in, staff_required
from iopmanager import clock
from scheduling.views.refusals import submit_form


@staff_required(Permission.SEE_TIMETABLE)
@require_http_methods(["GET", "HEAD", "POST"])
def reader_settings(request: HttpRequest) -> HttpResponse:
    """Show the form, or save it. The confirmation is in the language that the user chose."""
    user, now = signed_in(request), clock.now()
    chosen = {"language": user.language, "hour_clock": user.hour_clock}
    form = ReaderSettingsForm(request.POST or None, initial=chosen)
    if submit_form(request, form, lambda: choose_reader_settings(user=user, by=user, now=now, **form.cleaned_data)):
        with translation.override(form.cleaned_data["language"] or translation.get_language_from_request(request)):
            messages.success(request, _("Your settings are saved."))
        return redirect("reader-settings")
    return render(request, "scheduling/reader_settings.html", {"form": form}, status=422 if form.errors else 200)
