"""`/achievements/<version id>`: what a badge stands for, as a page, as data, and as a picture."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from badges.achievements.addresses import achievement_url, issuer_url
from badges.achievements.document import MicroCredential
from badges.achievements.images import SIZES
from badges.achievements.models import AchievementVersion
from badges.achievements.service import micro_credential, public_version
from badges.endorsements.additions import shown
from badges.endorsements.models import Endorsement
from badges.public.mounting import shared
from badges.public.negotiation import (
    DRAWING_POLICY,
    LD_TYPES,
    allow_other_sites,
    chosen,
    document,
    page,
    prepared,
    to_json,
    wants_html,
)
from badges.public.own_documents import achievement_document
from badges.public.pictures import PICTURE_SIZE, drawing, tag
from badges.public.praise import praise_of
from core.web.app import runtime

pages = Blueprint("achievements", __name__, url_prefix="/achievements")
pages.after_request(allow_other_sites)

PICTURE_AGE = 86_400


@pages.get("/<uuid:version_id>")
def show(version_id: uuid.UUID) -> Response:
    """The page where Accept names HTML, else the Achievement."""
    base, now, html = runtime().config.badge_url, runtime().now(), wants_html(LD_TYPES)
    with runtime().database.snapshot() as session:
        version = public_version(session, version_id)
        if not html:
            made = achievement_document(session, version, base, now)
            # Others may endorse it later: only the content itself tells whether it changed.
            return document(to_json(made), chosen(LD_TYPES))
        said = shown(session, Endorsement.about_version_id == version.id, now)
    context = {**_context(version), "praise": praise_of(said, base)}
    return page(render_template("public/achievement.html", **context), max_age=300)


@pages.get("/<uuid:version_id>/image.png")
def image_png(version_id: uuid.UUID) -> Response:
    """The picture, without anybody's badge in it; `?size=` one of 64, 200 and 600."""
    svg = drawing(shared().images, _version(version_id))
    asked = request.args.get("size", type=int)
    size = asked if asked in SIZES else PICTURE_SIZE
    return prepared(
        lambda: shared().images.png(svg, size),
        "image/png",
        tag=tag("png", size, svg),
        max_age=PICTURE_AGE,
    )


@pages.get("/<uuid:version_id>/image.svg")
def image_svg(version_id: uuid.UUID) -> Response:
    """The drawing, without anybody's badge in it."""
    svg = drawing(shared().images, _version(version_id))
    return prepared(
        svg.encode,
        "image/svg+xml",
        tag=tag("svg", svg),
        max_age=PICTURE_AGE,
        policy=DRAWING_POLICY,
    )


def rubric_rows(made: MicroCredential) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rubric as the `rubric` macro takes it: levels by number, then criteria.

    Criteria may have levels of different names and number; the longest gives the columns.
    """
    longest = max((criterion.levels for criterion in made.rubric.criteria), key=len)
    names = {criterion.levels for criterion in made.rubric.criteria}
    shared_names = len({tuple(level.name for level in levels) for levels in names}) == 1
    levels = [
        {"value": number, "name": level.name if shared_names else ""}
        for number, level in enumerate(longest, 1)
    ]
    criteria = []
    for criterion in made.rubric.criteria:
        texts = [
            level.description if shared_names else f"{level.name}: {level.description}"
            for level in criterion.levels
        ]
        criteria.append(
            {
                "title": criterion.name,
                "help": criterion.description,
                "needed": criterion.required_level,
                "texts": texts + [""] * (len(longest) - len(texts)),
            }
        )
    return levels, criteria


def _context(version: AchievementVersion) -> dict[str, Any]:
    base, made = runtime().config.badge_url, micro_credential(version)
    issuer = version.achievement.issuer
    levels, criteria = rubric_rows(made)
    home = issuer_url(base, issuer.slug)
    return {
        "version": version,
        "made": made,
        "issuer": issuer,
        "issuer_page": home,
        "levels": levels,
        "criteria": criteria,
        "image": url_for("achievements.image_svg", version_id=version.id),
        "og_image": url_for("achievements.image_png", version_id=version.id, _external=False),
        "address": achievement_url(base, version.id),
        "base": base,
        "current": version.achievement.current_version_id == version.id,
        "bar": {"organisation": issuer.name, "home": home},
        "verify_url": url_for("verify.form"),
    }


def _version(version_id: uuid.UUID) -> AchievementVersion:
    with runtime().database.snapshot() as session:
        return public_version(session, version_id)
