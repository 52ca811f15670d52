"""What a badge's certificate says, in the reader's language."""

from __future__ import annotations

from datetime import datetime

from flask_babel import get_locale
from flask_babel import gettext as _

from badges.achievements.service import micro_credential
from badges.awards.models import Credential
from badges.awards.published import PageRow
from badges.public import drawn_lines
from badges.public.certificate import CertificateWords, covered
from badges.public.credential_page import Days, Standing, first_day, standing
from badges.public.reading import ShownBadge
from badges.public.words import level_name


def certificate_words(
    credential: Credential, shown: ShownBadge, address: str, now: datetime | None
) -> CertificateWords:
    """The words of the certificate of `credential`, whose document says `shown`.

    Args:
        credential: loaded with its document.
        shown: what the document says.
        address: the page that the QR code leads to.
        now: the moment at which it is made; None for a copy that is to say the same on any day,
            and so leaves out when it was made and whether the badge has expired.
    """
    days, moment = Days.here(), now or credential.signed_at or credential.awarded_at
    row = PageRow.of(credential)
    found, begins = standing(row, shown, moment), first_day(row, shown)
    awarded = days.day(shown.issued_at)
    name = drawn_lines.plain(shown.earner)
    facts = [
        (_("Awarded"), awarded),
        (_("Valid from"), "" if days.day(begins) == awarded else days.day(begins)),
        (_("Valid until"), days.last_day(shown.valid_until)),
        (_("Review"), shown.narrative),
    ]
    return CertificateWords(
        over_name=_("This badge was awarded to"),
        name="" if name and not covered(name) and drawn_lines.missing(name) else name,
        under_name=_("for"),
        title=shown.name,
        level=level_name(micro_credential(credential.version).level),
        description=shown.description,
        facts=tuple((term, value) for term, value in facts if value),
        scan=_scan(credential, address),
        address=address,
        issuer=shown.issuer_name or credential.issuer.name,
        domain=shown.domain,
        warning=_warning(found, days),
        made_on=_("Made on %(date)s.", date=days.day(now)) if now else "",
        nameless=_("the person whom its page names") if name else _("its holder"),
        language=str(get_locale()).replace("_", "-"),
        signed=credential.document or "",
        signed_name=f"badge-{credential.id}.json",
        dated=moment.replace(hour=0, minute=0, second=0, microsecond=0),
    )


def _scan(credential: Credential, address: str) -> str:
    if credential.published_at is None and address.endswith(f"/credentials/{credential.id}"):
        return str(_("The badge is private: the code opens it once its holder has published it."))
    return str(
        _("This page proves nothing by itself. Scan the code to see the badge and check it.")
    )


def _warning(found: Standing, days: Days) -> str:
    if found.state == "revoked":
        text = _(
            "Do not rely on this badge: its issuer withdrew it on %(date)s.",
            date=days.day(found.at),
        )
        reason = _("Reason given: “%(reason)s”", reason=found.reason) if found.reason else ""
        return f"{text} {reason}".strip()
    if found.state == "expired":
        return str(_("This badge expired on %(date)s.", date=days.of(found)))
    return ""
