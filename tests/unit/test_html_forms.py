"""A form in a page is filled as a browser would fill it."""

import pytest

from iopmanager.html_forms import Field, fill_form

FORM = '<p>before</p>\n<form method="post" action="{action}">\n{controls}</form>'


def filled(controls: str, *fields: Field, action: str = "") -> str:
    return fill_form(FORM.format(action=action, controls=controls), page="/a/", action="/a/", fields=fields).html


@pytest.mark.parametrize(
    ("control", "fields", "expected"),
    [
        ('<input name="a">', [("a", "Ann")], '<input name="a" value="Ann">'),
        ('<input type="hidden" name="a" value="new" data-version>', [("a", "old")],
         '<input type="hidden" name="a" value="old" data-version>'),
        ('<input name="a" value="old">', [("a", "")], '<input name="a" value="">'),
        ('<input name="a" type="date">', [("a", "2026-11-25")], '<input name="a" type="date" value="2026-11-25">'),
        ('<input name="a">', [("a", '"><script>')], '<input name="a" value="&quot;&gt;&lt;script&gt;">'),
        ('<input name="a" title="x &amp; y">', [("a", "1")], '<input name="a" title="x &amp; y" value="1">'),
        ('<input name="a"> <input name="a">', [("a", "1"), ("a", "2")],
         '<input name="a" value="1"> <input name="a" value="2">'),
        ('<input type="checkbox" name="a" value="x">', [("a", "x")], '<input type="checkbox" name="a" value="x" checked>'),
        ('<input type="checkbox" name="a">', [("a", "on")], '<input type="checkbox" name="a" checked>'),
        ('<input type="checkbox" name="a" value="x" checked><input name="b">', [("b", "1")],
         '<input type="checkbox" name="a" value="x"><input name="b" value="1">'),
        ('<input type="radio" name="a" value="x" checked><input type="radio" name="a" value="y">', [("a", "y")],
         '<input type="radio" name="a" value="x"><input type="radio" name="a" value="y" checked>'),
        ('<select name="a"><option value="x" selected>X</option><option value="y">Y</option></select>', [("a", "y")],
         '<select name="a"><option value="x">X</option><option value="y" selected>Y</option></select>'),
        ('<select name="a"><option value="x" selected>X</option></select><input name="b">', [("b", "1")],
         '<select name="a"><option value="x" selected>X</option></select><input name="b" value="1">'),
        ('<textarea name="a">\nold</textarea>', [("a", "</textarea>\n<b>")],
         '<textarea name="a">\n&lt;/textarea&gt;\n&lt;b&gt;</textarea>'),
        ('<input type="hidden" name="h" value="new"><input name="b">', [("h", "old"), ("b", "1")],
         '<input type="hidden" name="h" value="new"><input name="b" value="1">'),
        ('<input type="password" name="a"><input name="b">', [("a", "x"), ("b", "1")],
         '<input type="password" name="a"><input name="b" value="1">'),
        ('<template><input name="b"></template><input name="b">', [("b", "1")],
         '<template><input name="b"></template><input name="b" value="1">'),
    ],
)  # fmt: skip
def test_a_control_is_filled(control: str, fields: list[Field], expected: str) -> None:
    assert filled(control, *fields) == FORM.format(action="", controls=expected)


def test_lines_with_unusual_ends_do_not_move_the_text() -> None:
    control = '<p>\u2028\r\n\x0b</p>\n<input name="a">'
    assert filled(control, ("a", "1")).endswith('<input name="a" value="1"></form>')


@pytest.mark.parametrize("action", ["/b/", "../b/", "?x=1/b"])
def test_a_form_with_another_address_stays_as_it_is(action: str) -> None:
    page = FORM.format(action="/other/", controls='<input name="a">')
    assert fill_form(page, page="/a/", action=action, fields=[("a", "1")]).form_start is None


def test_a_form_that_is_not_sent_by_post_stays_as_it_is() -> None:
    page = '<form><input name="a"></form>'
    assert fill_form(page, page="/a/", action="/a/", fields=[("a", "1")]).html == page


def test_of_several_forms_the_one_with_the_most_fields_is_filled() -> None:
    small, large = '<input name="a">', '<input name="a"><input name="b">'
    page = FORM.format(action="/a/?next=1", controls=small) + FORM.format(action="/a/", controls=large)
    result = fill_form(page, page="/", action="/a/", fields=[("a", "1"), ("b", "2"), ("c", "3")])
    assert result.html == FORM.format(action="/a/?next=1", controls=small) + FORM.format(
        action="/a/", controls='<input name="a" value="1"><input name="b" value="2">'
    )
    assert result.form_start is not None
    assert result.html[result.form_start :].startswith("<form")
    assert result.left_over == [("c", "3")]


def test_a_control_outside_of_its_form_is_filled() -> None:
    page = '<input name="a" form="f"><form id="f" method="post"><button name="b">B</button></form>'
    result = fill_form(page, page="/a/", action="/a/", fields=[("a", "1"), ("b", "")])
    assert result.html.startswith('<input name="a" form="f" value="1"><form id="f"')
    assert result.left_over == []
