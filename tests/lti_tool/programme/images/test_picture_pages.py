"""The pages on which a lead gives a badge its picture and an issuer its logo."""

from __future__ import annotations

import io
import os
import re
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, PngImagePlugin
from sqlalchemy import select
from werkzeug.test import TestResponse

from badges.achievements import service as achievements
from badges.achievements.document import ImageChoice
from badges.achievements.images import judging, pictures
from badges.achievements.images.raster import render_png
from badges.achievements.models import AchievementVersion, Issuer
from core.audit import AuditEvent
from core.db import utcnow
from core.identity import Organisation, Role, create_organisation
from core.runtime import Runtime
from core.web.sessions import COOKIE, start_session
from lti_tool.app import create_app
from lti_tool.programme.images import jobs, words
from lti_tool.programme.images.choices import LEAST_APART, Typed
from tests.lti_tool.review.world import World, make_world
from tests.support.environment import BASE_URL

SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><script>alert(1)</script>'
    b'<circle cx="4" cy="4" r="3" fill="#123456"/></svg>'
)
DRAWING = {
    "template": "summit", "primary": "#0f5a63", "accent": "#f3b61f", "line1": "Open",
    "line2": "questions", "icon": "bridge",
}  # fmt: skip


def png(size: tuple[int, int] = (640, 480), colour: str = "#a33") -> bytes:
    note = PngImagePlugin.PngInfo()
    note.add_text("Author", "Ada Park")
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG", pnginfo=note)
    return out.getvalue()


@dataclass
class Lead:
    """A lead's browser."""

    client: FlaskClient
    home: str

    def get(self, path: str) -> TestResponse:
        return self.client.get(path if path.startswith("/s/") else self.home + path,
                               base_url=BASE_URL)  # fmt: skip

    def post(self, path: str, page: str, **form: Any) -> TestResponse:
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page).text)
        assert token
        return self.client.post(
            self.home + path, base_url=BASE_URL, data={"csrf_token": token[1], **form}
        )


def lead_of(app: Flask, world: World, place: Organisation, *roles: Role) -> Lead:
    runtime: Runtime = app.extensions["milepost"]
    with runtime.database.transaction() as session:
        started = start_session(
            session, person_id=world.people["Ada"].id, organisation_id=place.id,
            organisation_path=place.path, context_id=None, platform_id=None,
            roles=frozenset(roles), data={}, hours=8, now=utcnow(),
        )  # fmt: skip
    client = app.test_client()
    client.set_cookie(f"{COOKIE}{started.id}", started.secret, domain="milepost.test", secure=True)
    return Lead(client, f"/s/{started.id}")


@pytest.fixture
def world(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(judging, "drawn_in_time", lambda svg: render_png(svg, 64))
    return make_world(runtime)


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime=runtime)


@pytest.fixture
def lead(app: Flask, world: World) -> Lead:
    return lead_of(app, world, world.organisation, Role.LEAD)


@pytest.fixture
def page(world: World) -> str:
    return f"/micro-credentials/{world.achievement.id}/image"


def current(world: World) -> AchievementVersion:
    with world.read() as session:
        return achievements.current(session, world.achievement.id)


def publish(lead: Lead, page: str, world: World, **form: str) -> TestResponse:
    seen = str(current(world).id)
    return lead.post(page, page, do="publish", version=seen, **form)


def test_a_drawing_becomes_the_next_version_and_nothing_else_changes(
    lead: Lead, page: str, world: World
) -> None:
    before = current(world)
    answer = publish(lead, page, world, **DRAWING)
    assert (answer.status_code, answer.location) == (303, lead.home + page)
    after = current(world)
    assert after.number == before.number + 1
    assert achievements.micro_credential(after).image == ImageChoice(
        "summit", "#0f5a63", "#f3b61f", ("Open", "questions"), icon="bridge"
    )
    assert {**after.document, "image": 0, "schema": 0} == {
        **before.document, "image": 0, "schema": 0,
    }  # fmt: skip
    assert "has its picture, as version 2." in lead.get(page).text
    with world.read() as session:
        noted = session.scalars(
            select(AuditEvent).where(AuditEvent.action == "micro_credential.published")
        ).one()
    assert noted.subject_id == after.id
    assert publish(lead, page, world, **DRAWING).status_code == 303
    assert current(world).id == after.id, "the same picture once more is no new version"


def test_showing_publishes_nothing_and_keeps_what_was_typed(
    lead: Lead, page: str, world: World
) -> None:
    before = current(world)
    answer = lead.post(page, page, **{**DRAWING, "line1": "Opening"})
    assert answer.status_code == 200
    assert 'value="Opening"' in answer.text
    assert re.search(r'value="bridge" checked', answer.text)
    assert answer.text.count("data:image/svg+xml") == 3 + 6
    assert current(world).id == before.id
    paired = lead.post(page, page, **DRAWING, pair="#34424d,#8fc7e8")
    assert 'value="#34424d"' in paired.text


CANNOT_BE_DRAWN = [
    ({"primary": "#ffee88"}, "primary", "hard to read on this colour"),
    ({"accent": "yellow"}, "accent", "must be a colour"),
    ({"template": "../etc"}, "template", "must be one of"),
    ({"icon": "skull"}, "icon", "must be one of"),
    ({"line1": "", "line2": "x" * 41}, "line2", "1 to 40 characters"),
]


def test_what_cannot_be_drawn_is_told_at_its_place(lead: Lead, page: str, world: World) -> None:
    for change, place, said in CANNOT_BE_DRAWN:
        answer = publish(lead, page, world, **{**DRAWING, **change})
        assert answer.status_code == 422
        assert f'href="#f-{place}"' in answer.text
        assert answer.text.count(said) >= 2, "in the summary and beside the field"
        shown = lead.get(f"{page}/preview?{urlencode({**DRAWING, **change})}").json
        assert said in shown["message"]
        assert "image" not in shown
    assert current(world).number == 1


def test_the_preview_answers_with_the_drawing_and_its_contrast(lead: Lead, page: str) -> None:
    query = "template=grove&primary=%23224466&accent=%23f3b61f&icon=key"
    shown = lead.get(f"{page}/preview?{query}").json
    assert shown["image"].startswith("data:image/svg+xml;base64,")
    assert "to 1; at least 4.5 to 1 is needed." in shown["note"]
    close = lead.get(f"{page}/preview?{query.replace('f3b61f', '224477')}").json
    assert "close to each other" in close["note"]


def test_every_suggested_pair_is_readable_and_told_apart() -> None:
    from badges.achievements.images import contrast

    for _label, primary, accent in words.PAIRS:
        choice, faults = Typed("grove", primary, accent).read()
        assert faults == {}
        assert contrast(choice.primary, choice.accent) >= LEAST_APART


def test_somebody_elses_publication_meanwhile_is_not_written_over(
    lead: Lead, page: str, world: World
) -> None:
    seen = str(current(world).id)
    assert publish(lead, page, world, **DRAWING).status_code == 303
    answer = lead.post(page, page, do="publish", version=seen, **{**DRAWING, "line1": "Mine"})
    assert answer.status_code == 409
    assert "Somebody has published another version" in answer.text
    assert 'value="Mine"' in answer.text
    assert current(world).number == 2


def bring(lead: Lead, page: str, data: bytes, name: str = "logo.svg") -> TestResponse:
    return lead.post(f"{page}/own", page, picture=(io.BytesIO(data), name))


def test_a_drawing_of_ones_own_is_cleaned_shown_and_published(
    lead: Lead, page: str, world: World
) -> None:
    answer = bring(lead, page, SVG)
    assert answer.status_code == 303
    shown = lead.get(answer.location)
    assert "Left out: scripts." in shown.text
    assert current(world).number == 1, "nothing is published before it is seen"
    digest = re.search(r"own=([0-9a-f]{64})", answer.location)[1]  # type: ignore[index]
    kept = lead.get(f"/pictures/{digest}")
    assert kept.mimetype == "image/svg+xml"
    assert b"script" not in kept.data
    assert "sandbox" in kept.headers["Content-Security-Policy"]
    assert publish(lead, page, world, own=digest).status_code == 303
    version = current(world)
    assert version.document["image"]["upload"] == digest
    public = lead.client.get(f"/achievements/{version.id}/image.svg", base_url=BASE_URL)
    assert public.data == kept.data
    drawn = lead.client.get(f"/achievements/{version.id}/image.png?size=200", base_url=BASE_URL)
    assert Image.open(io.BytesIO(drawn.data)).getpixel((88, 88))[:3] == (0x12, 0x34, 0x56)
    assert "This is a picture of your own." in lead.get(page).text
    assert publish(lead, page, world, **DRAWING).status_code == 303
    assert achievements.micro_credential(current(world)).image.upload is None


def test_a_png_of_ones_own_is_drawn_anew_in_a_square(lead: Lead, page: str, world: World) -> None:
    answer = bring(lead, page, png(), "photo.png")
    digest = re.search(r"own=([0-9a-f]{64})", answer.location)[1]  # type: ignore[index]
    kept = lead.get(f"/pictures/{digest}")
    picture = Image.open(io.BytesIO(kept.data))
    assert (picture.size, picture.info) == ((600, 600), {})
    assert b"Ada Park" not in kept.data
    assert publish(lead, page, world, own=digest).status_code == 303
    public = lead.client.get(f"/achievements/{current(world).id}/image.png", base_url=BASE_URL)
    drawn = Image.open(io.BytesIO(public.data)).convert("RGBA")
    assert drawn.getpixel((300, 300)) == (0xAA, 0x33, 0x33, 255)
    assert drawn.getpixel((300, 5))[3] == 0  # type: ignore[index]


NO_PICTURES = [
    (b"", "Choose a picture first"),
    (b"\xff\xd8\xff\xe0 a photograph", "neither a PNG nor an SVG"),
    (b"<html>", "damaged"),
    (png((120, 90)), "would look blurred"),
]


def test_what_is_no_picture_is_refused_on_the_page(lead: Lead, page: str, world: World) -> None:
    for data, said in NO_PICTURES:
        answer = bring(lead, page, data)
        assert answer.status_code == 422
        assert said in answer.text
        assert 'href="#f-picture"' in answer.text
    assert not (Path(world.runtime.files.root) / pictures.FOLDER).exists()


def test_a_file_beyond_all_bounds_is_refused_with_its_size(lead: Lead, page: str) -> None:
    answer = lead.client.post(
        f"{lead.home}{page}/own", base_url=BASE_URL, content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": "4300000"},
    )  # fmt: skip
    assert answer.status_code == 413
    assert "4.3 MB; at most 4 MB can be taken" in answer.text


def test_a_picture_that_is_not_kept_cannot_be_published(
    lead: Lead, page: str, world: World
) -> None:
    for own in ("0" * 64, "../evidence/x", "x"):
        assert publish(lead, page, world, own=own).status_code == 404
    assert current(world).number == 1
    assert "<h2" in lead.get(f"{page}?own={'0' * 64}&left=%3Cb%3E").text


def test_only_leads_may_and_only_of_what_is_theirs(app: Flask, world: World, page: str) -> None:
    assert lead_of(app, world, world.organisation, Role.COACH).get(page).status_code == 403
    with world.runtime.database.transaction() as session:
        school = create_organisation(
            session, name="Brook School", slug="brook", parent=world.organisation
        )
        other = create_organisation(session, name="Far", slug="far")
    below = lead_of(app, world, school, Role.LEAD)
    for path in (page, f"{page}/preview", f"/issuers/{world.achievement.issuer_id}/image"):
        refused = below.get(path)
        assert refused.status_code == 403
        assert lead_of(app, world, other, Role.LEAD).get(path).status_code == 404
    assert "belongs to an organisation above yours" in below.get(page).text
    unknown = f"/micro-credentials/{uuid.uuid4()}/image"
    assert lead_of(app, world, world.organisation, Role.LEAD).get(unknown).status_code == 404


def issuer_of(world: World) -> Issuer:
    with world.read() as session:
        return session.get_one(Issuer, world.achievement.issuer_id)


def test_an_issuer_gets_a_logo_that_its_profile_names_and_loses_it_again(
    lead: Lead, world: World
) -> None:
    issuer = issuer_of(world)
    page, public = f"/issuers/{issuer.id}/image", f"/issuers/{issuer.slug}/image"
    assert "No logo yet" in lead.get(page).text
    assert lead.client.get(public, base_url=BASE_URL).status_code == 404
    answer = bring(lead, page, SVG)
    digest = re.search(r"own=([0-9a-f]{64})", answer.location)[1]  # type: ignore[index]
    assert issuer_of(world).image is None
    assert lead.post(page, page, do="use", own=digest).status_code == 303
    assert (issuer_of(world).image, issuer_of(world).image_type) == (digest, "image/svg+xml")
    served = lead.client.get(public, base_url=BASE_URL)
    assert served.mimetype == "image/png"
    assert Image.open(io.BytesIO(served.data)).size == (600, 600)
    profile = lead.client.get(f"/issuers/{issuer.slug}", base_url=BASE_URL).json
    assert profile["image"]["id"].endswith(public)
    html = lead.client.get(
        f"/issuers/{issuer.slug}", base_url=BASE_URL, headers={"Accept": "text/html"}
    )
    assert public in html.text
    assert "The logo now" in lead.get(page).text
    assert lead.post(page, page, do="remove").status_code == 303
    assert issuer_of(world).image is None


def test_pictures_that_nobody_uses_go_after_a_day(lead: Lead, page: str, world: World) -> None:
    files, kept = world.runtime.files, []
    for colour in ("#111111", "#222222", "#333333", "#444444"):
        answer = bring(lead, page, png(colour=colour), "x.png")
        kept.append(re.search(r"own=([0-9a-f]{64})", answer.location)[1])  # type: ignore[index]
    assert publish(lead, page, world, own=kept[0]).status_code == 303
    issuer = f"/issuers/{world.achievement.issuer_id}/image"
    assert lead.post(issuer, issuer, do="use", own=kept[1]).status_code == 303
    old = (world.runtime.now() - timedelta(hours=25)).timestamp()
    for digest in kept[:3]:
        os.utime(Path(files.root) / pictures.FOLDER / digest, (old, old))
    assert jobs.sweep(world.runtime) == 1
    assert [bool(pictures.find(files, digest)) for digest in kept] == [True, True, False, True]
