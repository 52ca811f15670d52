"""Exchanges: a badge waits at a secret address until a wallet shows a DID of its own.

The badge is then issued anew with that DID as its subject, signed at once and handed over, so that
the wallet can show later that the badge is its holder's (VC-API exchange with DIDAuth, R51, R52).
Copies from before stay valid. An exchange works once and for a quarter of an hour.
"""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session, undefer

from badges.awards.models import Credential
from badges.awards.reissuing import Change, reissue
from badges.awards.revisions import sign_revision
from badges.openbadges.documents import JsonObject
from badges.openbadges.errors import CanonicalizerBusyError, PresentationError, ResolutionError
from badges.openbadges.presentations import holder_of
from badges.openbadges.resolution import ControllerResolver, Resolver
from badges.wallets.models import WalletExchange
from core import audit, single_use
from core.errors import (
    ConflictError,
    GoneError,
    NotFoundError,
    UnavailableError,
    UnprocessableError,
)
from core.identity import owner_like
from core.runtime import Runtime
from core.scope import unscoped
from keys.ring import KeyRing

LIFETIME: Final = timedelta(minutes=15)
REMEMBERED: Final = timedelta(days=30)
PURPOSE: Final = "wallet exchange"
_CHALLENGE: Final = "wallet challenge"
_WHY: Final = "an exchange is found by its secret alone, or by its badge; it says whose it is"


@dataclass(frozen=True)
class Offer:
    """An exchange as its holder and a wallet see it.

    `secret` stands in its address; `challenge` is what the wallet signs over, `domain` for whom.
    """

    exchange: WalletExchange
    secret: str
    challenge: str
    domain: str


def start(
    session: Session, runtime: Runtime, credential: Credential, person_id: uuid.UUID
) -> Offer:
    """Let a badge of `person_id` wait for a wallet; an earlier exchange of it ends.

    The caller has found the credential as the person's own. Raises ConflictError for one that is
    not signed yet or was withdrawn.
    """
    if credential.state != "signed":
        raise ConflictError(
            _("Only a badge that is signed and valid goes into a wallet."),
            code="credential_not_ready",
        )
    now = runtime.now()
    stop(session, credential.id, now)
    new_id = uuid.uuid4()
    exchange = WalletExchange(
        **owner_like(credential),
        id=new_id,
        credential_id=credential.id,
        person_id=person_id,
        token_hash=single_use.digest(_secret(runtime, new_id)),
        created_at=now,
        expires_at=now + LIFETIME,
    )
    session.add(exchange)
    session.flush()
    audit.record(
        session, owner=exchange, actor_id=person_id, about_id=person_id, action="wallet.offered",
        subject=exchange, now=now,
    )  # fmt: skip
    return _offer(runtime, exchange)


def stop(session: Session, credential_id: uuid.UUID, now: datetime) -> None:
    """End whatever exchange of a badge still waits."""
    table = WalletExchange.__table__
    session.connection().execute(
        update(table)  # type: ignore[arg-type]
        .where(
            table.c.credential_id == credential_id,
            table.c.used_at.is_(None),
            table.c.expires_at > now,
        )
        .values(expires_at=now)
    )


def latest(session: Session, runtime: Runtime, credential_id: uuid.UUID) -> Offer | None:
    """The newest exchange of a badge, over or not."""
    with unscoped(session, _WHY):
        found = session.scalar(
            select(WalletExchange)
            .where(WalletExchange.credential_id == credential_id)
            .order_by(WalletExchange.created_at.desc(), WalletExchange.expires_at.desc())
            .limit(1)
        )
    return None if found is None else _offer(runtime, found)


def find(session: Session, runtime: Runtime, secret: str) -> Offer:
    """The exchange at an address, over or not. Raises NotFoundError."""
    found = single_use.row_of(session, WalletExchange, secret, why=_WHY)
    if found is None:
        raise NotFoundError(
            _("There is no such link, or it ended long ago."),
            code="exchange_unknown",
            advice=_("Open the badge’s page and make a new link for your wallet."),
        )
    return _offer(runtime, found)


def badge_of(session: Session, exchange: WalletExchange) -> Credential:
    """The badge of an exchange, with its document."""
    with unscoped(session, _WHY):
        return session.scalars(
            select(Credential)
            .where(Credential.id == exchange.credential_id)
            .options(undefer(Credential.document))
            .execution_options(populate_existing=True)
        ).one()


def ask(offer: Offer, address: str, now: datetime) -> JsonObject:
    """What a wallet is asked for: to sign over the challenge with a DID of its own.

    `address` is where it answers. Raises GoneError for an exchange that is over.
    """
    if offer.exchange.state(now) != "waiting":
        raise _over(offer.exchange)
    return {
        "query": [
            {
                "type": "DIDAuthentication",
                "acceptedMethods": [{"method": "key"}, {"method": "web"}],
                "acceptedCryptosuites": [
                    {"cryptosuite": name}
                    for name in ("eddsa-rdfc-2022", "Ed25519Signature2020", "eddsa-jcs-2022")
                ],
            }
        ],
        "challenge": offer.challenge,
        "domain": offer.domain,
        # Older wallets look here for where to answer.
        "interact": {
            "service": [
                {"type": "UnmediatedHttpPresentationService2021", "serviceEndpoint": address}
            ]
        },
    }


def take(
    runtime: Runtime,
    ring: KeyRing,
    secret: str,
    presentation: Mapping[str, Any],
    *,
    resolver: Resolver,
    domain_required: bool,
) -> JsonObject:
    """Hand the badge over to the wallet that made `presentation`, bound to its DID.

    Of any number of wallets at once one gets it; the same one may ask again. Nothing is fetched
    inside a transaction. After a crash in between the worker signs what was fixed here.

    Args:
        resolver: fetches the documents of DIDs, guarded.
        domain_required: see `holder_of`.

    Returns:
        The signed credential.

    Raises NotFoundError for no such exchange, GoneError for one that is over or a badge that was
    withdrawn, UnprocessableError for a presentation that shows nothing, UnavailableError where the
    wallet's DID cannot be looked up.
    """
    with runtime.database.snapshot() as session:
        offer = find(session, runtime, secret)
    if offer.exchange.state(runtime.now()) == "expired":
        raise _over(offer.exchange)
    holder = _holder(offer, presentation, resolver, runtime.now(), domain_required)
    credential_id = _claim(runtime, offer.exchange.id, holder)
    sign_revision(runtime, ring, credential_id)
    with runtime.database.snapshot() as session:
        credential = badge_of(session, offer.exchange)
    document: JsonObject = json.loads(credential.document or "{}")
    if credential.state == "revoked":
        raise _withdrawn()
    if document.get("credentialSubject", {}).get("id") != holder:
        # Another change of the same badge came in between, or another worker is just signing it.
        raise UnavailableError(
            _("The badge is being signed at this moment."),
            code="exchange_signing",
            retry_after=2,
        )
    return document


def release(
    runtime: Runtime, ring: KeyRing, credential_id: uuid.UUID, person_id: uuid.UUID
) -> None:
    """Issue a badge anew that no wallet is bound to; copies in wallets stay valid.

    The caller has found the credential as the person's own. Raises ConflictError for one that was
    withdrawn.
    """
    with runtime.database.transaction() as session, unscoped(session, _WHY):
        reissue(
            session,
            credential_id,
            Change("holder", holder=None),
            actor_id=person_id,
            badge_url=runtime.config.badge_url,
            now=runtime.now(),
        )
    sign_revision(runtime, ring, credential_id)


def forget(session: Session, now: datetime) -> int:
    """Delete exchanges of a month ago; returns how many. What was taken, the badge says."""
    return single_use.forget(session, WalletExchange, now - REMEMBERED)


def _claim(runtime: Runtime, exchange_id: uuid.UUID, holder: str) -> uuid.UUID:
    """Use the exchange up for `holder` and fix the badge's next version; the badge's id."""
    now = runtime.now()
    with runtime.database.transaction() as session, unscoped(session, _WHY):
        exchange = session.scalars(
            select(WalletExchange)
            .where(WalletExchange.id == exchange_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one()
        same = exchange.holder is not None and hmac.compare_digest(
            exchange.holder.encode(), holder.encode()
        )
        if exchange.expires_at <= now or (exchange.used_at is not None and not same):
            raise _over(exchange)
        try:
            reissue(
                session,
                exchange.credential_id,
                Change("holder", holder=holder),
                actor_id=exchange.person_id,
                badge_url=runtime.config.badge_url,
                now=now,
            )
        except ConflictError as error:
            if error.code == "credential_revoked":
                raise _withdrawn() from error
            raise
        if exchange.used_at is None:
            exchange.used_at, exchange.holder = now, holder
            audit.record(
                session, owner=exchange, actor_id=exchange.person_id, about_id=exchange.person_id,
                action="wallet.taken", subject=exchange, now=now,
            )  # fmt: skip
        session.flush()
        return exchange.credential_id


def _holder(
    offer: Offer,
    presentation: Mapping[str, Any],
    resolver: Resolver,
    now: datetime,
    domain_required: bool,
) -> str:
    try:
        return holder_of(
            presentation,
            challenge=offer.challenge,
            domain=offer.domain,
            controllers=ControllerResolver(resolver),
            now=now,
            domain_required=domain_required,
        )
    except PresentationError as error:
        raise UnprocessableError(
            _("The wallet did not show that it holds its key: %(reason)s", reason=str(error)),
            code="presentation_invalid",
        ) from error
    except ResolutionError as error:
        raise UnavailableError(
            _("The wallet’s DID could not be looked up: %(reason)s", reason=str(error)),
            code="holder_unresolved",
        ) from error
    except CanonicalizerBusyError as error:
        raise UnavailableError(
            _("Other badges are being checked here at this moment."),
            code="too_many_checks",
            retry_after=10,
        ) from error


def _offer(runtime: Runtime, exchange: WalletExchange) -> Offer:
    challenge = single_use.digest(
        single_use.token(runtime.config.master_key, _CHALLENGE, exchange.id)
    )
    return Offer(
        exchange,
        _secret(runtime, exchange.id),
        str(uuid.UUID(bytes=challenge[:16], version=4)),
        urlsplit(runtime.config.badge_url).netloc,
    )


def _secret(runtime: Runtime, exchange_id: uuid.UUID) -> str:
    return single_use.token(runtime.config.master_key, PURPOSE, exchange_id)


def _over(exchange: WalletExchange) -> GoneError:
    again = _("Open the badge’s page and make a new link for your wallet.")
    if exchange.used_at is not None:
        return GoneError(
            _("Each link hands the badge to one wallet, and this one has done so."),
            code="exchange_used",
            title=_("A wallet has taken this badge"),
            advice=again,
        )
    if exchange.expires_at < exchange.created_at + LIFETIME:
        return GoneError(
            _("Whoever made this link has stopped it, or has made another one since."),
            code="exchange_expired",
            title=_("This link has ended"),
            advice=again,
        )
    return GoneError(
        _("Such a link works for a quarter of an hour."),
        code="exchange_expired",
        title=_("This link has expired"),
        advice=again,
    )


def _withdrawn() -> GoneError:
    return GoneError(_("This badge was withdrawn by its issuer."), code="credential_revoked")
