"""What `make bench` promises whoever reads it: a line a figure, and exit 1 where a bound is missed.

Figures here are made up; nothing is measured.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.bench.__main__ import FIGURES
from tests.bench.bench import Bench
from tests.bench.figures import Better, Figure, Measured, Peer
from tests.bench.page_weight import weigh
from tests.bench.runner import MET, MISSED, MISUSED, choose, run

PREFIXES = ("launch.", "badge.", "review.", "pathway.", "web.")
BOUNDS = {
    "launch.login_and_launch_cpu_ms": ("lower", 3),
    "launch.burst_500_p95_ms": ("lower", 1500),
    "launch.beside_stalled_p95_ms": ("lower", 1500),
    "launch.rss_growth_mb": ("lower", 5),
    "badge.sign_full_per_cpu_s": ("higher", 1000),
    "badge.sign_jwt_ratio": ("higher", 0.9),
    "badge.verify_full_per_cpu_s": ("higher", 80),
    "badge.bake_png_ratio": ("lower", 2),
    "badge.bulk_issue_per_min": ("higher", 10_000),
    "badge.accept_to_page_p95_s": ("lower", 5),
    "web.credential_page_cpu_ms": ("lower", 2),
    "web.credential_etag_cpu_ms": ("lower", 0.7),
    "web.first_page_kb": ("lower", 60),
    "web.first_page_script_kb": ("lower", 15),
}


def figure(
    name: str,
    value: float,
    *,
    target: float | None = 10,
    better: Better = "lower",
    peer: Peer | None = None,
) -> Figure:
    return Figure(name, "cpu ms", better, target, lambda _bench: Measured(value, peer))


def broken(_bench: Bench) -> Measured:
    raise RuntimeError("nobody answers")


def lines(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "latest.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_every_figure_is_one_line_of_json_with_its_peer(tmp_path: Path) -> None:
    figures = [
        figure("web.a", 3.14159265, peer=Peer("hello", 0.5)),
        figure("web.b", 12, target=None),
    ]
    assert run(figures, only=None, results=tmp_path / "new", out=io.StringIO()) == MET
    first, second = lines(tmp_path / "new")
    assert first == {
        "name": "web.a",
        "value": 3.142,
        "unit": "cpu ms",
        "target": 10,
        "better": "lower",
        "met": True,
        "peer": {"name": "hello", "value": 0.5},
    }
    assert (second["target"], second["met"], second["peer"]) == (None, None, None)


@pytest.mark.parametrize(
    ("better", "value", "code"),
    [
        ("lower", 10, MET),
        ("lower", 10.1, MISSED),
        ("higher", 10, MET),
        ("higher", 9.9, MISSED),
    ],
)
def test_a_missed_bound_exits_with_one(
    tmp_path: Path, better: Better, value: float, code: int
) -> None:
    out = io.StringIO()
    figures = [figure("web.a", value, better=better), figure("web.b", 1)]
    assert run(figures, only=None, results=tmp_path, out=out) == code
    assert ("MISSED" in out.getvalue()) is (code == MISSED)
    assert [line["met"] for line in lines(tmp_path)] == [code == MET, True]


def test_a_figure_that_breaks_is_missed_and_the_others_are_still_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = [Figure("web.a", "kB", "lower", None, broken), figure("web.b", 1)]
    out = io.StringIO()
    assert run(figures, only=None, results=tmp_path, out=out) == MISSED
    first, second = lines(tmp_path)
    assert (first["value"], first["met"], first["fault"]) == (
        None,
        False,
        "RuntimeError: nobody answers",
    )
    assert second["met"] is True
    assert "nobody answers" in out.getvalue()
    assert "Traceback" in capsys.readouterr().err


def test_a_later_run_replaces_the_results(tmp_path: Path) -> None:
    run([figure("web.a", 1)], only=None, results=tmp_path, out=io.StringIO())
    run([figure("web.b", 1)], only=None, results=tmp_path, out=io.StringIO())
    assert [line["name"] for line in lines(tmp_path)] == ["web.b"]
    assert [path.name for path in tmp_path.iterdir()] == ["latest.jsonl"]


def test_only_takes_names_beginnings_and_lists() -> None:
    figures = [figure(name, 1) for name in ("web.page", "web.page_json", "badge.sign")]

    def names(only: str | None) -> list[str]:
        return [chosen.name for chosen in choose(figures, only)]

    assert names(None) == ["web.page", "web.page_json", "badge.sign"]
    assert names("web.page") == ["web.page"]
    assert names("web.") == ["web.page", "web.page_json"]
    assert names("badge., web.page_json") == ["web.page_json", "badge.sign"]


def test_a_name_that_fits_nothing_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    out = io.StringIO()
    assert run([figure("web.a", 1)], only="wbe.", results=tmp_path, out=out) == MISUSED
    assert "No figure is called wbe." in out.getvalue()
    assert "web.a" in out.getvalue()
    assert not list(tmp_path.iterdir())


def test_the_figures_keep_their_names_and_bounds() -> None:
    assert {
        each.name: (each.better, each.target) for each in FIGURES if each.target is not None
    } == BOUNDS
    assert all(each.name.startswith(PREFIXES) for each in FIGURES)
    assert len({each.name for each in FIGURES}) == len(FIGURES)


def test_a_page_weighs_what_it_names_and_what_its_parts_name() -> None:
    pages = {
        "/s/1/page": (
            "text/html",
            '<link rel="stylesheet" href="/static/a.css"><link rel="canonical" href="/no">'
            '<img src="photo.png"><img src="data:image/png;base64,AA"><mp-copy></mp-copy>'
            '<script type="module" src="/static/app.js"></script>',
        ),
        "/static/a.css": ("text/css", "/* url(no.png) */ body{background:url('b.svg')}"),
        "/static/b.svg": ("image/svg+xml", "<svg/>"),
        "/s/1/photo.png": ("image/png", "12345"),
        "/static/app.js": (
            "text/javascript",
            "// import nothing\nimport { x } from './lib.js';\nimport(`./parts/${name}.js`);\n",
        ),
        "/static/lib.js": ("text/javascript", "export const x = 1;"),
        "/static/parts/copy.js": ("text/javascript", "import '../lib.js'; run();"),
    }
    app = Flask("pages")
    for path, (kind, body) in pages.items():
        app.add_url_rule(path, path, lambda kind=kind, body=body: (body, {"Content-Type": kind}))
    weight = weigh("/s/1/page", app.test_client().get)
    assert weight.parts == {path: len(body) for path, (_kind, body) in pages.items()}
    assert weight.scripts == {"/static/app.js", "/static/lib.js", "/static/parts/copy.js"}
    assert weight.script < weight.total


def test_a_part_that_is_missing_is_not_weighed_as_nothing() -> None:
    app = Flask("pages")
    app.add_url_rule("/", "page", lambda: '<script src="/gone.js"></script>')
    with pytest.raises(RuntimeError, match=r"/gone\.js answered 404"):
        weigh("/", app.test_client().get)
