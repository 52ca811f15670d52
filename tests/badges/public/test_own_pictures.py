"""Pictures of their own: badges and issuers as strangers get them and as an export keeps them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from PIL import Image

from badges.achievements import service as achievements
from badges.achievements.images import Picture, pictures, receive
from badges.export import export_static
from badges.openbadges import baking
from badges.public.verification import verify_document
from core.errors import UnprocessableError
from tests.badges.public.conftest import HTML
from tests.support.badges import District, issue_credential

RED = (0xAA, 0x33, 0x33)


def own_png() -> Picture:
    out = io.BytesIO()
    Image.new("RGB", (600, 600), RED).save(out, "PNG")
    return receive(out.getvalue()).picture


@pytest.fixture
def own(district: District) -> str:
    """The picture of the district's next version, and its issuer's logo; its SHA-256."""
    runtime = district.runtime
    digest = pictures.keep(runtime.files, own_png())
    with runtime.database.transaction(district.organisation.scope) as session:
        made = achievements.micro_credential(district.version)
        district.version = achievements.publish(
            session,
            district.achievement,
            replace(made, image=replace(made.image, upload=digest)),
            runtime.now(),
        )
        issuer = achievements.issuer_by_slug(session, district.issuer.slug)
        issuer.image, issuer.image_type = digest, pictures.PNG
    return digest


def middle(data: bytes) -> tuple[int, ...]:
    pixel = Image.open(io.BytesIO(data)).convert("RGB").getpixel((300, 300))
    assert isinstance(pixel, tuple)
    return pixel


def test_a_badge_with_a_picture_of_its_own_verifies_in_every_form(
    client: FlaskClient, district: District, own: str, tmp_path: Path
) -> None:
    credential = issue_credential(district)
    address = f"/credentials/{credential.id}"
    png, svg = client.get(f"{address}.png").data, client.get(f"{address}.svg").data
    assert middle(png) == RED
    assert b"data:image/png;base64," in svg
    for data in (png, svg):
        assert baking.unbake(data).text
        assert verify_document(district.runtime, data).valid
    policy = client.get(f"{address}.svg").headers["Content-Security-Policy"]
    assert "img-src data:" in policy
    document = json.loads(credential.document or "")
    assert document["issuer"]["image"]["id"].endswith("/issuers/alder-valley/image")
    assert middle(client.get("/issuers/alder-valley/image").data) == RED
    export_static(district.runtime, district.ring, tmp_path / "export")
    assert middle((tmp_path / "export/issuers/alder-valley/image").read_bytes()) == RED
    assert middle((tmp_path / f"export{address}.png").read_bytes()) == RED


def test_where_the_file_is_gone_the_drawing_stands(
    client: FlaskClient, district: District, own: str
) -> None:
    district.runtime.files.delete(f"{pictures.FOLDER}/{own}")
    answer = client.get(f"/achievements/{district.version.id}/image.svg")
    assert answer.status_code == 200
    assert "<image" not in answer.text
    assert client.get("/issuers/alder-valley/image", headers=HTML).status_code == 404


def test_a_digest_that_is_none_is_refused(district: District) -> None:
    made = achievements.micro_credential(district.version)
    wrong = replace(made, image=replace(made.image, upload="../../etc/passwd"))
    with (
        district.runtime.database.transaction(district.organisation.scope) as session,
        pytest.raises(UnprocessableError) as caught,
    ):
        achievements.publish(session, district.achievement, wrong, district.runtime.now())
    assert set(caught.value.fields) == {"image.upload"}
