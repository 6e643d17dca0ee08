"""Form to decide on a change that a patient proposed."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.forms.layout import form_layout

ACCEPT, DECLINE = "accept", "decline"


class DecisionForm(forms.Form):
    """A decision to accept or to decline a proposed change. Declining requires a reason."""

    reason_fields: ClassVar = {"reason_required": "reason"}

    reason = forms.CharField(
        max_length=200, required=False, label=_("Reason for declining"), help_text=_("The patient can read this.")
    )
    decision = forms.ChoiceField(
        choices=[(ACCEPT, _("Accept")), (DECLINE, _("Decline"))], required=False, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_layout("reason")
        self.helper.render_hidden_fields = False

    def clean(self) -> dict[str, Any]:
        """Require a decision, because pressing Enter in the reason field submits the form without a decision."""
        cleaned = super().clean() or {}
        if not cleaned.get("decision"):
            self.add_error(None, _("Choose Accept or Decline."))
        elif cleaned["decision"] == ACCEPT and cleaned.get("reason"):
            self.add_error(
                "reason", _("A reason is only for declining. Choose Decline, or clear the reason to accept.")
            )
        return cleaned
