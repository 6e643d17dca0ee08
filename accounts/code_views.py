"""Sign in with a code from a mail: the page that asks where to send it, and the page where it is typed.

Both pages say the same, after the same work, whether or not anybody has the email address.
"""

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.account.utils import get_login_redirect_url, get_next_redirect_url, passthrough_next_redirect_url
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts.code_forms import AskForCodeForm, TypeCodeForm
from accounts.domain.mailed_code import MailedCode
from accounts.services.mailed_codes import drop_code, find_code_user, keep_code, make_code, read_code, use_code
from iopmanager import clock


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask_for_code(request: HttpRequest) -> HttpResponse:
    """Ask for an email address, and send a code there if it belongs to a patient or a delegate."""
    if request.user.is_authenticated:
        return redirect(get_login_redirect_url(request))
    form = AskForCodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        adapter = get_adapter(request)
        email = form.cleaned_data["email"]
        if adapter.may_send_code(request, email):
            adapter.send_code(make_code(request.session, email=email, now=clock.now()))
            return _redirect("account_confirm_login_code", request)
        form.add_error("email", adapter.validation_error("too_many_codes"))
    return _page(request, "request_login_code.html", {"form": form})


@sensitive_post_parameters("code")
@sensitive_variables("code", "typed")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def type_code(request: HttpRequest) -> HttpResponse:
    """Sign in whoever types the code that this browser asked for. Each way to fail says what to do next."""
    if request.user.is_authenticated:
        return redirect(get_login_redirect_url(request))
    code = read_code(request.session)
    if code is None:
        text = _("Ask for a code on this page first. A code works once, and only in the browser that asked for it.")
        return _ask_again(request, text)
    if code.is_expired(clock.now()):
        return _ask_again(request, _("This code is over 15 minutes old. Ask for a new one."))
    form = TypeCodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        typed = form.cleaned_data["code"]
        try:
            if get_adapter(request).is_right_code(request, code, typed):
                return _sign_in(request, code)
        except ValidationError as too_many_tries:
            form.add_error("code", too_many_tries)
        else:
            code = code.after_wrong_try()
            if code.is_used_up:
                return _ask_again(request, _("Too many wrong codes. Ask for a new one."))
            keep_code(request.session, code)
            form.add_error("code", _("This code is not right. Check it in the newest email, then try again."))
    return _page(request, "confirm_login_code.html", {"form": form, "email": code.email})


def _sign_in(request: HttpRequest, code: MailedCode) -> HttpResponse:
    """Sign in the person who has typed the right code. A person with a second factor is asked for it next."""
    if not use_code(request.session, code):
        return _ask_again(request, _("This code was already used. Ask for a new one."))
    user = find_code_user(code.email)
    if user is None:
        return _ask_again(request, _("This code no longer works. Ask for a new one."))
    record_authentication(request, user, method="code", email=code.email)
    login = Login(user=user, email=code.email, redirect_url=get_next_redirect_url(request))
    answer: HttpResponse = perform_login(request, login)
    return answer


def _ask_again(request: HttpRequest, text: str) -> HttpResponse:
    """Forget the code, and redirect to the page that asks for a new one, which begins with the text."""
    drop_code(request.session)
    messages.error(request, text)
    return _redirect("account_request_login_code", request)


def _redirect(name: str, request: HttpRequest) -> HttpResponse:
    return redirect(passthrough_next_redirect_url(request, reverse(name), REDIRECT_FIELD_NAME))


def _page(request: HttpRequest, template: str, context: dict[str, object]) -> HttpResponse:
    return render(request, f"account/{template}", {**context, "next": get_next_redirect_url(request) or ""})
