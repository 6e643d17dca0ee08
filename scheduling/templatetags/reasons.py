"""Template tags for the texts of reasons, remarks and suggestions. As in any template, the texts are escaped."""

from django import template

from iopmanager.stored_reasons import reason_in_words
from scheduling.reason_text import adjustment_text, reason_text, remark_text, suggestion_text, waitlist_note_text

register = template.Library()

register.simple_tag(reason_text, name="reason")
register.simple_tag(remark_text, name="remark")
register.simple_tag(suggestion_text, name="suggestion")
register.simple_tag(adjustment_text, name="adjustment")
register.simple_tag(waitlist_note_text, name="waitlist_note")
register.filter("stored_reason", reason_in_words)
