"""Template tags for the texts of reasons, remarks and suggestions. As in any template, the texts are escaped."""

from functools import partial

from django import template

from iopmanager.stored_reasons import reason_in_words
from scheduling.reason_text import adjustment_text, reason_text, remark_text, suggestion_text, waitlist_note_text

register = template.Library()

register.simple_tag(partial(reason_text, keeps_units=True), name="reason")
register.simple_tag(partial(remark_text, keeps_units=True), name="remark")
register.simple_tag(partial(suggestion_text, keeps_units=True), name="suggestion")
register.simple_tag(partial(adjustment_text, keeps_units=True), name="adjustment")
register.simple_tag(waitlist_note_text, name="waitlist_note")
register.filter("stored_reason", reason_in_words)
