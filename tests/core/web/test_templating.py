"""The globals of templates: live, layered, and theirs alone where they were given to one."""

from __future__ import annotations

from jinja2 import DictLoader

from core.runtime import Runtime
from core.web.app import make_app


def test_globals_behave_as_in_any_jinja_environment(runtime: Runtime) -> None:
    environment = make_app(runtime).jinja_env
    environment.loader = DictLoader(
        {
            "parts.html": "{% macro part() %}{{ late }}{% endmacro %}",
            "page.html": "{% from 'parts.html' import part %}{{ part() }}{{ mine|default('') }}",
        }
    )
    page = environment.get_template("page.html")
    environment.globals["late"] = "known "
    assert page.render() == "known "
    assert environment.get_template("page.html", globals={"mine": "own"}).render() == "known own"
    assert "mine" not in environment.globals
    assert {"late", "mine", "_"} <= set(page.globals)
    assert page.globals["late"] == "known "
