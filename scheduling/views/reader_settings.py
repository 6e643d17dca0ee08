"""The page on which staff choose the language and the clock of their pages, and delegates the language."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.forms import ReaderLanguageForm, ReaderSettingsForm
from accounts.permissions import Permission
from accounts.services.reader_settings import choose_reader_settings
from accounts.views import forbid_unless, is_patient, signed_in
from iopmanager import clock
from scheduling.views.portal.shared import FRAME, is_delegate
from scheduling.views.refusals import submit_form


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def reader_settings(request: HttpRequest) -> HttpResponse:
    """Show the form, or save it. The confirmation is in the language that the user chose.

    Patients choose under *Me* in the portal instead, also if they are delegates.
    """
    user, now = signed_in(request), clock.now()
    is_staff_member = user.may_somewhere(Permission.SEE_TIMETABLE)
    forbid_unless(is_staff_member or (is_delegate(user) and not is_patient(user)))
    chosen = {"language": user.language, "hour_clock": user.hour_clock}
    form_class = ReaderSettingsForm if is_staff_member else ReaderLanguageForm
    form = form_class(request.POST or None, initial=chosen)
    if submit_form(
        request, form, lambda: choose_reader_settings(user=user, by=user, now=now, **(chosen | form.cleaned_data))
    ):
        with translation.override(form.cleaned_data["language"] or translation.get_language_from_request(request)):
            messages.success(request, _("Your settings are saved."))
        return redirect("reader-settings")
    context = {"form": form, "frame": "staff.html" if is_staff_member else FRAME, "is_staff_member": is_staff_member}
    return render(request, "scheduling/reader_settings.html", context, status=422 if form.errors else 200)
