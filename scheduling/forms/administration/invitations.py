"""Forms to accept an invitation, and to invite a patient."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.forms import NewPasswordForm
from accounts.models import Invitation
from patients.models import Consent


class JoinForm(NewPasswordForm):
    """The password with which an invited person will sign in. A patient also enters an e-mail address."""

    reason_fields: ClassVar[Mapping[str, str]] = {"email_taken": "email"}

    email = forms.EmailField(
        label=_("Email"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
        help_text=_("You sign in with it."),
    )
    field_order = ("email", "password")

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invitation = invitation
        email = self.fields["email"]
        if invitation.user is not None:
            email.initial, email.disabled = invitation.user.email, True
        else:
            email.initial = invitation.email

    def person_name(self) -> str:
        return str(self.invitation)


class DelegateForm(forms.Form):
    """A new delegate: the consent that allows sharing the schedule, and the e-mail address for signing in."""

    reason_fields: ClassVar[Mapping[str, str]] = {"email_taken": "email", "consent_not_in_force": "consent"}

    consent = forms.ModelChoiceField(Consent.objects.none(), label=_("Release of information"))
    email = forms.EmailField(label=_("Email"), max_length=254, help_text=_("The person signs in with it."))

    def __init__(self, *args: Any, consents: QuerySet[Consent], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["consent"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = consents


class PortalLinkForm(forms.Form):
    """How a patient gets the link: by e-mail or on paper."""

    reason_fields: ClassVar[Mapping[str, str]] = {"email_taken": "email"}

    email = forms.EmailField(
        label=_("Email"),
        max_length=254,
        required=False,
        help_text=_("Needed to send the link. Printing a sheet needs no email."),
    )

    def __init__(self, *args: Any, by_mail: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by_mail = by_mail

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if self.by_mail and not email:
            raise forms.ValidationError(_("Enter the email to which the link is sent."))
        return email if self.by_mail else ""
