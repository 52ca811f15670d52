"""The template macros: what they promise to page authors, to readers and against hostile text."""

import gzip
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from importlib.resources import files
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from core.web import i18n

HOSTILE = "<script>alert('x')</script>\" onload=\"x&y"
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "circle", "rect"}
STATIC = files("core.web") / "static"


class Element(SimpleNamespace):
    """One element: its tag, attributes, ancestors and the text inside it."""


class Page(HTMLParser):
    """Markup as a flat list of elements; refuses unbalanced tags."""

    def __init__(self, markup):
        super().__init__(convert_charrefs=True)
        self.elements = []
        self.open = []
        self.feed(markup)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        found = Element(tag=tag, attrs=dict(attrs), above=list(self.open), text="")
        self.elements.append(found)
        if tag not in VOID:
            self.open.append(found)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open, tag
            assert self.open.pop().tag == tag

    def handle_data(self, data):
        for element in self.open:
            element.text += data

    def all(self, tag=None, **attrs):
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attrs.items()}
        return [
            element
            for element in self.elements
            if (tag is None or element.tag == tag)
            and all(element.attrs.get(name) == value for name, value in wanted.items())
        ]

    def one(self, tag=None, **attrs):
        (found,) = self.all(tag, **attrs)
        return found

    def described(self, element):
        """The texts that aria-describedby points to, each of which must exist."""
        return [self.one(id=name).text for name in element.attrs["aria-describedby"].split()]


@pytest.fixture(scope="module")
def environment():
    made = Environment(
        loader=FileSystemLoader(str(files("templates"))),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_null_translations(newstyle=True)
    made.globals.update(
        asset=lambda name: f"/static/0/{name}" if (STATIC / name).is_file() else 1 / 0,
        csrf_field=lambda: Markup('<input type="hidden" name="csrf" value="t">'),
        get_flashed_messages=lambda with_categories: [("good", HOSTILE)],
        locale="en",
        text_direction="ltr",
        request_id="req-1",
    )
    made.filters.update(
        datetime_abs=lambda value: Markup("<time>{}</time>").format(value.isoformat()),
        filesize=i18n.filesize,
        initials=i18n.initials,
    )
    return made


@pytest.fixture(scope="module")
def render(environment):
    def rendered(source, **context):
        folder = files("templates") / "components"
        imports = "".join(
            f'{{% from "components/{entry.name}" import {", ".join(macros(entry))} %}}'
            for entry in folder.iterdir()
            if entry.name.endswith(".html")
        )
        return Page(environment.from_string(imports + source).render(**context))

    return rendered


def macros(entry):
    return re.findall(r"{%-? macro (\w+)\(", entry.read_text("utf-8"))


def component_files():
    return sorted(
        entry.name
        for entry in (files("templates") / "components").iterdir()
        if entry.name.endswith(".html")
    )


@pytest.mark.parametrize("name", component_files())
def test_every_macro_says_what_it_takes(name):
    text = (files("templates") / "components" / name).read_text("utf-8")
    for macro in macros(files("templates") / "components" / name):
        assert re.search(rf"{{# {macro}\([^\n]*\): ", text), macro


@pytest.mark.parametrize("type_", ["text", "url", "email", "file", "textarea", "select", "date"])
def test_a_field_has_its_label_help_and_error(render, type_):
    page = render(
        '{{ field("title", "Title", type=t, help="Help", error="Wrong", words=(3, 9),'
        ' options=[("a", "A")]) }}',
        t=type_,
    )
    control = page.one(id="f-title")
    assert page.one("label", for_="f-title").text == "Title"
    assert page.described(control) == ["Help", "Words: 0 of at least 3", "Wrong"]
    assert control.attrs["aria-invalid"] == "true"
    assert control.attrs["name"] == "title"


def test_a_field_without_fault_makes_no_empty_promises(render):
    control = render('{{ field("title", "Title") }}').one(id="f-title")
    assert "aria-describedby" not in control.attrs
    assert "aria-invalid" not in control.attrs


def test_an_optional_field_says_so_in_words(render):
    assert "(optional)" in render('{{ field("a", "A", optional=true) }}').one("label").text


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_what_was_typed_comes_back_as_it_was(render, text):
    page = render('{{ field("a", "A", value=v) }}{{ field("b", "B", "textarea", v) }}', v=text)
    assert page.one("input").attrs["value"] == text
    assert page.one("textarea").text == "\n" + text  # a parser drops this one newline
    assert [e.tag for e in page.elements if e.tag in ("input", "textarea")] == ["input", "textarea"]


def test_a_select_keeps_a_choice_that_needs_escaping(render):
    page = render('{{ field("a", "A", "select", "x&y", options=[("x&y", "X"), ("z", "Z")]) }}')
    assert [o.attrs["value"] for o in page.all("option") if "selected" in o.attrs] == ["x&y"]


@pytest.mark.parametrize(
    ("count", "line"),
    [(2, "Words: 2 of at least 3"), (3, "Words: 3"), (6, "Words: 6, and at most 5 are asked for")],
)
def test_words_are_counted_without_script_too(render, count, line):
    page = render('{{ field("a", "A", "textarea", v, words=(3, 5)) }}', v="word " * count)
    assert page.one(id="f-a-c").text == line


def test_choices_are_radios_in_a_fieldset(render):
    page = render(
        '{{ choices("who", "Who?", [("a", "A"), ("b", "B", "more")], "b", help="H", error="E") }}'
    )
    fieldset = page.one("fieldset")
    assert page.one("legend").above == [fieldset]
    assert page.described(fieldset) == ["H", "E"]
    radios = page.all("input", type="radio")
    assert [r.attrs["id"] for r in radios] == ["f-who", "f-who-2"]
    assert ["checked" in r.attrs for r in radios] == [False, True]
    assert all(fieldset in r.above for r in radios)


def test_several_boxes_may_be_ticked(render):
    page = render('{{ choices("n", "N", [(1, "A"), (2, "B"), (3, "C")], [1, 3], "checkbox") }}')
    ticked = [b.attrs["value"] for b in page.all("input", type="checkbox") if "checked" in b.attrs]
    assert ticked == ["1", "3"]


def test_levels_are_native_radios_whose_card_is_the_label(render):
    page = render(
        '{{ levels("c1", "Wait", options, value=2, needed=2, error="Choose",'
        ' comment_name="m1", comment="Hm", comment_error="Say more") }}',
        options=[{"value": n, "name": f"N{n}", "text": f"T{n}"} for n in (1, 2, 3)],
    )
    fieldset = page.one("fieldset")
    assert page.one("legend").text == "Wait"
    assert page.described(fieldset) == ["Choose"]
    radios = page.all("input", type="radio", name="c1")
    assert all(r.above[-1].tag == "label" and fieldset in r.above for r in radios)
    assert ["checked" in r.attrs for r in radios] == [False, True, False]
    assert [n.text for n in page.all(class_="level__need")] == ["", "needed", ""]
    assert page.described(page.one(id="f-m1")) == ["Say more"]


def test_the_error_summary_leads_to_each_field(render):
    page = render(
        "{{ error_summary(errors) }}{{ field('title', 'T', error=errors.title) }}"
        "{{ choices('who', 'W', [('a', 'A')], error='x') }}",
        errors={"title": "Give it a title", "who": ["Choose one."], "": "All of it"},
    )
    box = page.one(id="errors")
    assert box.attrs["tabindex"] == "-1"
    assert page.one(id=box.attrs["aria-labelledby"]).text == "3 things to look at"
    for link in page.all("a"):
        assert page.one(id=link.attrs["href"].removeprefix("#")).tag == "input"
    assert len(page.all("a")) == 2


def test_posted_forms_carry_the_token_and_searches_do_not(render):
    posted = render('{% call form(action="/x") %}{% endcall %}{{ post_btn("Go", "/y") }}')
    assert len(posted.all("input", name="csrf")) == 2
    got = render('{% call form(action="/x", method="get") %}{% endcall %}')
    assert got.all("input") == []


def test_a_table_keeps_its_roles_when_it_becomes_a_list(render):
    page = render(
        '{% call table("C", ["A", {"label": "B", "url": "?s=b", "sorted": "ascending"},'
        ' {"label": "Do", "hidden": true}]) %}<tr role="row">{{ rowhead("x") }}'
        '{{ cell("B", v) }}{{ cell(end=true) }}</tr>{% endcall %}',
        v=0,
    )
    roles = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row",
             "td": "cell"}  # fmt: skip
    for tag, role in roles.items():
        assert all(found.attrs["role"] == role for found in page.all(tag))
    assert [h.attrs.get("aria-sort") for h in page.all(scope="col")] == [None, "ascending", None]
    cells = page.all("td")
    assert (cells[0].attrs["data-label"], cells[0].text) == ("B", "0")
    assert "data-label" not in cells[1].attrs


def test_a_rubric_says_what_is_needed_once_if_shared_else_in_each_cell(render):
    levels = [{"value": 1, "name": "One"}, {"value": 2, "name": "Two"}]
    rows = [{"title": t, "needed": n, "texts": ["a", "b"]} for t, n in (("X", 2), ("Y", 2))]
    shared = render('{{ rubric("R", scale, rows) }}', scale=levels, rows=rows)
    assert [h.text for h in shared.all(scope="col")] == ["Criterion", "1 One", "2 Two, needed"]
    assert all("needed" not in c.text for c in shared.all("td"))
    rows[1] = {**rows[1], "needed": 1, "given": 1}
    mixed = render('{{ rubric("R", scale, rows) }}', scale=levels, rows=rows)
    assert [("(needed)" in c.text) for c in mixed.all("td")] == [False, True, True, False]
    assert len(mixed.all(class_="tag tag--good")) == 1


def test_stones_are_silent_and_tags_speak(render):
    page = render('{% call map() %}{{ map_item("done", 1, "Plan", "Met", "good") }}{% endcall %}')
    assert page.one(class_="stone").attrs["aria-hidden"] == "true"
    assert page.one(class_="tag tag--good").text == "Met"


def test_a_blind_avatar_shows_the_label_and_never_initials(render):
    page = render('{{ avatar("Wren Samplewood", blind="Heron 14") }}')
    assert page.one("span").text == "H1"


@pytest.mark.parametrize(("part", "whole", "dash"), [(4, 6, 67), (0, 0, 0), (9, 3, 100)])
def test_a_ring_never_overflows(render, part, whole, dash):
    page = render('{{ ring(p, w, "words") }}', p=part, w=whole)
    assert page.all("circle")[1].attrs["stroke-dasharray"] == f"{dash} 100"
    assert page.one("svg").attrs["aria-hidden"] == "true"


def test_a_chart_is_its_own_table_even_when_empty(render):
    page = render('{{ chart("C", "Month", "Count", [("May", 2, "two"), ("June", 4)]) }}')
    assert [c.text for c in page.all("td")] == ["two", "4"]
    assert page.all("rect")[1].attrs["width"] == "50.0"
    assert render('{{ chart("C", "M", "N", []) }}').all("td") == []


@pytest.mark.parametrize(
    ("page_number", "pages", "shown"),
    [(1, 1, []), (1, 3, "1 2 3 Next"), (5, 9, "Previous 1 … 4 5 6 … 9 Next")],
)
def test_the_pager_shows_the_neighbours_and_both_ends(render, page_number, pages, shown):
    page = render("{{ pager(p, n, url) }}", p=page_number, n=pages, url=lambda n: f"?page={n}&a=1")
    assert [i.text for i in page.all("li")] == (shown.split() if shown else [])
    for link in page.all("a"):
        assert re.fullmatch(r"\?page=\d+&a=1", link.attrs["href"])


def test_a_dialog_opens_without_script_and_has_a_name(render):
    page = render(
        '{{ btn("Share", opens="s") }}{% call dialog("s", "Share it") %}'
        '{{ btn("Close", closes="s") }}{% endcall %}'
    )
    layer = page.one(role="dialog")
    assert "popover" in layer.attrs
    assert page.one(id=layer.attrs["aria-labelledby"]).text == "Share it"
    assert [b.attrs["popovertarget"] for b in page.all("button")] == ["s", "s"]
    assert {b.attrs["type"] for b in page.all("button")} == {"button"}


def test_a_link_to_a_new_window_says_so_and_gives_nothing_away(render):
    link = render('{{ btn("Open", url="/x", new_window=true) }}').one("a")
    assert "new window" in link.text
    assert link.attrs["rel"] == "noopener"


def test_uploads_work_as_a_plain_form_too(render):
    page = render('{{ upload("file", "Add", "/up", max_bytes=5000000) }}')
    plain = page.one("button", formaction="/up")
    assert plain.attrs["formenctype"] == "multipart/form-data"
    assert page.one("mp-upload").attrs["data-max"] == "5000000"
    assert "5 MB" in page.one("mp-upload").attrs["data-large"]
    assert page.one("label", for_="f-file")


def test_prose_keeps_paragraphs_and_takes_no_markup(render):
    page = render("{{ prose(text) }}", text="One\r\n\r\n<b>Two</b>\nthree\n\n\n")
    assert [p.text for p in page.all("p")] == ["One", "<b>Two</b>\nthree"]
    assert page.all("b") == []


@pytest.mark.parametrize(
    "source",
    [
        "{{ bar(x, x, [{'label': x, 'url': x, 'current': true}], x, x) }}",
        "{{ crumbs([(x, x), (x, '')], x) }}{{ page_head(x, x) }}{{ avatar(x) }}",
        "{{ btn(x, url=x, about=x) }}{{ btn(x, name=x, value=x) }}{{ post_btn(x, x, {x: x}) }}",
        "{{ field(x, x, value=x, help=x, error=x) }}{{ check(x, x, help=x, error=x) }}",
        "{{ choices(x, x, [(x, x, x)], x, help=x, error=x) }}{{ drop(x, x, x, x, x) }}",
        "{{ upload(x, x, x, x, x, x, into=x) }}{{ copy_field(x, x, x, x) }}",
        "{% call saveline(x, x, x, x) %}{{ x }}{% endcall %}{{ saved(x) }}",
        "{{ error_summary({x: x, '': [x]}, x) }}{{ notice(x, 'bad', x) }}{{ empty(x, x) }}",
        "{{ toast(x, x, x, x) }}{{ messages_missed([(x, x)]) }}{{ tag(x) }}{{ ring(1, 2, x, x) }}",
        "{{ facts([(x, x)]) }}{{ chart(x, x, x, [(x, 1, x)]) }}{{ prose(x) }}",
        "{% call table(x, [x, {'label': x, 'url': x}]) %}<tr>{{ cell(x, x) }}</tr>{% endcall %}",
        "{{ map_item('done', x, x, x, url=x) }}{{ timeline_item('', x, x, x, x) }}",
        "{{ stepper([{'label': x, 'state': 'done', 'url': x}], x) }}{{ resume(x, x, x, x) }}",
        "{{ checklist_item(x, 'part', x, url=x, help=x) }}"
        "{{ file_row(x, url=x, note=x, tag_text=x, error=x, part=1, whole=2, progress_text=x) }}",
        "{{ rubric(x, [{'value': 1, 'name': x}], [{'title': x, 'needed': 1, 'texts': [x]}]) }}",
        "{{ levels(x, x, [{'value': x, 'name': x, 'text': x}], x, x, x, x, x, x, x, x) }}",
        "{{ tile(x, x, x, x, x) }}{{ hero(x, x, x, x, x, x, x) }}{{ scores([(x, x, x)]) }}",
        "{% call dialog(x, x) %}{{ x }}{% endcall %}"
        "{% call problem(x, x, x, x) %}{{ x }}{% endcall %}",
    ],
)
def test_hostile_text_stays_text(render, source):
    page = render(source, x=HOSTILE)
    assert page.all("script") == []
    for element in page.elements:
        assert not [name for name in element.attrs if name.startswith("on") or name == "style"]


def test_the_frame_puts_errors_in_the_title_and_loads_the_script(environment):
    source = '{% extends "base.html" %}{% block title %}Queue{% endblock %}'
    frame = environment.from_string(source)
    bar = SimpleNamespace(
        organisation="Alder", home="/", places=[], person="Wren S", person_url=None
    )
    faulty = Page(frame.render(errors={"a": "b"}, bar=bar))
    assert faulty.one("title").text == "Look again: Queue · Alder"
    assert faulty.one("script").attrs == {"type": "module", "src": "/static/0/app.js"}
    assert faulty.one(class_="toast toast--good").text == HOSTILE
    calm = Page(frame.render(bar=None, accent_url="/accent.css"))
    assert calm.one("title").text == "Queue · Milepost"
    assert calm.all("script") == []
    assert calm.all("link", href="/accent.css")
    assert calm.one("a", class_="skip").attrs["href"] == "#" + calm.one("main").attrs["id"]


def test_pages_for_strangers_read_no_session_and_offer_to_verify(environment):
    page = Page(environment.from_string('{% extends "base_public.html" %}').render())
    assert page.one("a", href="/verify").text == "Verify a badge"
    assert page.all(class_="toasts") == []
    assert page.all(class_="bar__me") == []


def problem_page(environment, **context):
    template = environment.get_template("errors/problem.html")
    return Page(template.render(title="T <b>", lead="L", code="launch.nonce_used", **context))


def test_the_problem_page_needs_little(environment):
    page = problem_page(environment)
    assert page.one("h1").text == "T <b>"
    assert [c.text for c in page.all("code")] == ["launch.nonce_used", "req-1"]


def test_the_problem_page_says_what_to_do_and_who_helps(environment):
    page = problem_page(
        environment,
        status=409,
        advice=["First.", "Then."],
        when=datetime(2026, 11, 22, tzinfo=UTC),
        contact="help@alder.example",
        actions=[
            {"label": "Back", "url": "https://lms.example", "primary": True, "target": "_top"},
            {"label": "Window", "url": "/w", "target": "_blank"},
            {
                "label": "Post",
                "url": "/p",
                "method": "post",
                "fields": {"iss": HOSTILE},
                "target": "_blank",
            },
        ],
    )
    back, window = page.all("a", class_="btn btn--primary") + page.all("a", class_="btn")
    assert back.attrs["target"] == "_top"
    assert window.attrs["rel"] == "noopener"
    form = page.one("form")
    assert (form.attrs["method"], form.attrs["target"]) == ("post", "_blank")
    assert page.one("input", name="iss").attrs["value"] == HOSTILE
    assert [i.text for i in page.all("li")] == ["First.", "Then."]
    assert page.one("time").text == "2026-11-22T00:00:00+00:00"
    assert page.all("a", href="mailto:help@alder.example?subject=req-1")
    assert page.all("a", target="_blank")


def test_the_style_guide_shows_every_macro():
    source = (files("templates") / "styleguide" / "index.html").read_text("utf-8")
    elsewhere = {"bar", "app_script", "post_btn", "label_text", "field_error", "wordcount"}
    for name in component_files():
        for macro in set(macros(files("templates") / "components" / name)) - elsewhere:
            assert re.search(rf"(\{{{{|call|=) ?{macro}\(", source), macro


def test_the_style_guide_is_whole(environment):
    page = Page(environment.get_template("styleguide/index.html").render())
    ids = [e.attrs["id"] for e in page.elements if "id" in e.attrs]
    assert len(ids) == len(set(ids))
    for element in page.elements:
        for name in ("aria-describedby", "aria-labelledby", "for", "popovertarget"):
            for target in element.attrs.get(name, "").split():
                assert target in ids
    assert page.all(style=None) == page.elements


def test_the_look_stays_small_and_asks_nobody_else():
    script = b"".join(
        entry.read_bytes()
        for folder in (STATIC, STATIC / "elements")
        for entry in folder.iterdir()
        if entry.name.endswith(".js")
    )
    assert len(gzip.compress(script)) < 15 * 1024
    for name in ("milepost.css", "styleguide.css"):
        text = (STATIC / name).read_text("utf-8")
        assert "url(" not in text
        assert "@import" not in text


@pytest.mark.parametrize("name", ["compass", "dialogue", "grove", "lantern", "milestone", "summit"])
def test_badge_drawings_hold_the_tokens_they_are_filled_with(name):
    known = {"title", "line1", "line2", "size", "curve_size", "level", "issuer", "primary", "dark"}
    known |= {"accent", "on_accent", "light", "mark1", "mark2", "mark3"}
    drawing = (files("badges") / "achievements" / "images" / f"{name}.svg").read_text("utf-8")
    tokens = set(re.findall(r"{{(\w+)}}", drawing))
    assert {"title", "level", "issuer", "mark1", "mark2", "mark3"} <= tokens <= known
    assert ElementTree.fromstring(drawing).tag == "{http://www.w3.org/2000/svg}svg"
    assert "<script" not in drawing
