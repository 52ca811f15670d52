"""The pages of an export: the same words as the public pages, without a server behind them.

Links are relative and go by the root, so that they hold with and without a closing slash.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from typing import Any

from flask import render_template
from sqlalchemy.orm import Session

from badges.achievements.addresses import (
    achievement_url,
    credential_url,
    endorsement_url,
    issuer_url,
    terms_url,
)
from badges.achievements.models import AchievementVersion, Issuer, IssuerTerms
from badges.achievements.service import issuer_keys, micro_credential
from badges.app import create_app
from badges.awards.models import Credential
from badges.endorsements.models import Endorsement
from badges.endorsements.targets import Target
from badges.holdings.pieces import Piece
from badges.holdings.portfolio import ShownPortfolio
from badges.public.achievements import rubric_rows
from badges.public.certificate import certificate_pdf
from badges.public.certificate_words import certificate_words
from badges.public.issuers import offered
from badges.public.portfolios import portfolio_url, sections_shown
from badges.public.reading import domain_of, read_badge
from badges.public.sharing import linkedin_address
from core.runtime import Runtime


class StaticPages:
    """Renders pages outside of any request, in one language.

    Args:
        runtime: the installation.
        language: the locale of every page.
    """

    def __init__(self, runtime: Runtime, language: str = "en") -> None:
        self._base = runtime.config.badge_url
        self._app = create_app(runtime=runtime)
        self._language = language

    def credential(self, credential: Credential, *, certificate: bool = True) -> str:
        """A published badge; `certificate` is whether its PDF stands beside the page."""
        shown = read_badge(json.loads(credential.document or "{}"))
        made = micro_credential(credential.version)
        address = credential_url(self._base, credential.id)
        return self._render(
            "credential",
            depth=2,
            badge=shown,
            credential=credential,
            version_id=credential.achievement_version_id,
            level=made.level,
            minutes=made.minutes,
            address=address,
            issuer=credential.issuer,
            organisation=credential.issuer.name,
            linkedin=linkedin_address(
                name=shown.name,
                organisation=shown.issuer_name or credential.issuer.name,
                issued_at=shown.issued_at or credential.awarded_at,
                expires_at=shown.valid_until,
                page=address,
                credential_id=str(credential.id),
            ),
            certificate=certificate,
        )

    def certificate(self, credential: Credential, picture: bytes) -> bytes:
        """A published badge as one printed page (PDF), the same on any day.

        Args:
            credential: with its document loaded.
            picture: the badge as PNG.
        """
        shown = read_badge(json.loads(credential.document or "{}"))
        address = credential_url(self._base, credential.id)
        with self._request():
            words = certificate_words(credential, shown, address, None)
        return certificate_pdf(words, picture)

    def card(self, credential: Credential) -> str:
        """A published badge as a small card, for frames on other sites."""
        return self._render(
            "embed",
            depth=3,
            badge=read_badge(json.loads(credential.document or "{}")),
            credential=credential,
            version_id=credential.achievement_version_id,
        )

    def achievement(self, version: AchievementVersion) -> str:
        """What a badge stands for."""
        made, issuer = micro_credential(version), version.achievement.issuer
        levels, criteria = rubric_rows(made)
        return self._render(
            "achievement",
            depth=2,
            version=version,
            made=made,
            issuer=issuer,
            organisation=issuer.name,
            levels=levels,
            criteria=criteria,
            address=achievement_url(self._base, version.id),
            current=version.achievement.current_version_id == version.id,
        )

    def issuer(self, session: Session, issuer: Issuer) -> str:
        """An issuer, what it offers, and its keys."""
        return self._render(
            "issuer",
            depth=2,
            issuer=issuer,
            organisation=issuer.name,
            domain=domain_of(issuer.did),
            keys=issuer_keys(session, issuer),
            offers=[
                (version.id, micro_credential(version)) for version in offered(session, issuer)
            ],
            address=issuer_url(self._base, issuer.slug),
        )

    def endorsement(self, found: Endorsement, target: Target) -> str:
        """One issuer's word for another's work."""
        return self._render(
            "endorsement",
            depth=2,
            endorsement=found,
            target=target,
            place=target.page.removeprefix(f"{self._base}/"),
            domain=domain_of(found.issuer.did),
            organisation=found.issuer.name,
            address=endorsement_url(self._base, found.id),
        )

    def terms(self, issuer: Issuer, found: IssuerTerms) -> str:
        """The terms that badges of an issuer name."""
        return self._render(
            "terms",
            depth=4,
            issuer=issuer,
            terms=found,
            organisation=issuer.name,
            address=terms_url(self._base, issuer.slug, found.number),
        )

    def portfolio(self, found: ShownPortfolio) -> str:
        """A person's page of badges; each leads to its own page in the export."""

        def places(piece: Piece) -> tuple[str, str]:
            if piece.credential_id is None:
                return "../../static/badge-elsewhere.svg", piece.address or ""
            return (
                f"../../achievements/{piece.version_id}/image.svg",
                f"../../credentials/{piece.credential_id}/index.html",
            )

        with self._request():
            sections = sections_shown(found, None, places)
        return self._render(
            "portfolio",
            depth=2,
            portfolio=found.portfolio,
            sections=sections,
            count=found.pieces,
            address=portfolio_url(self._base, found.portfolio.slug),
        )

    def front(self, issuers: list[Issuer]) -> str:
        """The first page: who issued here, and where to check a badge."""
        return self._render("front", depth=0, issuers=issuers)

    def verify(self) -> str:
        """The page that checks a badge in the browser."""
        return self._render("verify", depth=1)

    def missing(self) -> str:
        """What a host shows for an address that is not here; it may stand at any depth."""
        return self._render("missing", depth=0, root="/")

    def _render(self, name: str, *, depth: int, **context: Any) -> str:
        values = {"root": "../" * depth, "origin": self._base, "organisation": "", **context}
        with self._request():
            return render_template(f"export/{name}.html", **values)

    def _request(self) -> AbstractContextManager[Any]:
        """As for a visitor who reads the language of the export."""
        headers = {"Accept-Language": self._language}
        return self._app.test_request_context("/", base_url=self._base, headers=headers)
