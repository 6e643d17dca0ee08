"""How it is said whom a track is for."""

from django import template

register = template.Library()


@register.simple_tag
def ages(from_age: int | None, to_age: int | None) -> str:
    """18 and 25 → "ages 18 to 25"; either bound may be missing; without both "all ages"."""
    if from_age is None:
        return "all ages" if to_age is None else f"ages up to {to_age}"
    return f"ages {from_age} and over" if to_age is None else f"ages {from_age} to {to_age}"
