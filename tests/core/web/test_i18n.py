"""Texts of templates: in the reader's language, escaped, and in another where code asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask, g, render_template_string
from flask_babel import force_locale, refresh
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment
from markupsafe import Markup, escape

from core.runtime import Runtime
from core.web.app import make_app
from core.web.i18n import translate, translate_number

HOSTILE = "<b>Wren</b> & 100%"
EVERY_WAY = """{{ _("<b>Plain</b>") }} {{ _("5%%") }} {{ _("5%% of %(value)s", value=value) }}
{{ _("Unused", value=value) }} {{ ngettext("%(num)d & one", "%(num)d & many", number) }}
{{ ngettext("one", "many of %(value)s", number, value=value) }}
{{ ngettext("a", "b", 2, num=9) }}"""


@pytest.fixture
def app(runtime: Runtime, tmp_path: Path) -> Flask:
    """With a catalogue of its own for German."""
    catalog = Catalog(locale="de")
    catalog.add("Good day", "Guten Tag")
    catalog.add("Good day, %(name)s", "Guten Tag, %(name)s")
    catalog.add("All done: 100%%", "Alles fertig: 100%%")
    catalog.add(("%(num)d badge", "%(num)d badges"), ("%(num)d Abzeichen", "%(num)d Abzeichen (x)"))
    folder = tmp_path / "catalogues" / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "messages.mo").open("wb") as file:
        write_mo(file, catalog)
    made = make_app(runtime)
    made.extensions["babel"].translation_directories[:] = [str(tmp_path / "catalogues")]
    made.extensions["milepost_locales"] = ["en", "de"]
    return made


@pytest.mark.parametrize(
    ("source", "english", "german"),
    [
        ("{{ _('Good day') }}", "Good day", "Guten Tag"),
        ("{{ gettext('Good day, %(name)s', name='Teo') }}", "Good day, Teo", "Guten Tag, Teo"),
        ("{{ _('All done: 100%%') }}", "All done: 100%", "Alles fertig: 100%"),
        ("{{ _('Only here') }}", "Only here", "Only here"),
        ("{{ ngettext('%(num)d badge', '%(num)d badges', 1) }}", "1 badge", "1 Abzeichen"),
        (
            "{{ ngettext('%(num)d badge', '%(num)d badges', 2) }}",
            "2 badges",
            "2 Abzeichen (x)",
        ),
        (
            "{% trans name='Teo' %}Good day, {{ name }}{% endtrans %}",
            "Good day, Teo",
            "Guten Tag, Teo",
        ),
        ("{{ ngettext('one', 'many: %(n)d', 3, n=7) }}", "many: 7", "many: 7"),
    ],
)
def test_a_text_comes_in_the_language_of_the_reader(
    app: Flask, source: str, english: str, german: str
) -> None:
    for language, wanted in (("en", english), ("de", german)):
        with app.test_request_context(headers={"Accept-Language": language}):
            assert render_template_string(source) == wanted


def test_what_is_filled_in_is_escaped_where_the_template_escapes(app: Flask) -> None:
    source = "{{ _('Good day, %(name)s', name=name) }}"
    with app.test_request_context():
        assert render_template_string(source, name=HOSTILE) == f"Good day, {escape(HOSTILE)}"
        plain = "{% autoescape false %}" + source + "{% endautoescape %}"
        assert render_template_string(plain, name=HOSTILE) == f"Good day, {HOSTILE}"


@given(st.text() | st.integers() | st.just(Markup("<i>safe</i>")), st.integers(), st.booleans())
def test_any_value_is_filled_in_as_jinja_itself_does(
    value: object, number: int, escapes: bool
) -> None:
    rendered = []
    for ours in (False, True):
        environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=escapes)
        environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
        if ours:
            environment.globals |= {"_": translate, "ngettext": translate_number}
        template = environment.from_string(EVERY_WAY)
        rendered.append(template.render(value=value, number=number))
    assert rendered[0] == rendered[1]


def test_code_may_ask_for_another_language_within_one_page(app: Flask) -> None:
    source = "{{ _('Good day') }}"
    with app.test_request_context(headers={"Accept-Language": "en"}):
        found = [render_template_string(source)]
        with force_locale("de"):
            found.append(render_template_string(source))
            with force_locale("en"):
                found.append(render_template_string(source))
            found.append(render_template_string(source))
        found.append(render_template_string(source))
        g.locale = "de"
        refresh()
        found.append(render_template_string(source))
    assert found == ["Good day", "Guten Tag", "Good day", "Guten Tag", "Good day", "Guten Tag"]


def test_a_template_outside_a_request_keeps_its_own_words(app: Flask) -> None:
    assert app.jinja_env.from_string("{{ _('Good day') }}").render() == "Good day"
