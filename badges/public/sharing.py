"""Taking a published badge elsewhere: to a LinkedIn profile (R48), or onto somebody's website."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

from markupsafe import escape

LINKEDIN = "https://www.linkedin.com/profile/add"


def linkedin_address(
    *,
    name: str,
    organisation: str,
    issued_at: datetime,
    expires_at: datetime | None,
    page: str,
    credential_id: str,
) -> str:
    """The "add to profile" address, every value percent-encoded; no expiry where there is none."""
    expiry = (
        ""
        if expires_at is None
        else f"&expirationYear={expires_at.year}&expirationMonth={expires_at.month}"
    )
    return (
        f"{LINKEDIN}?startTask=CERTIFICATION_NAME&name={_quoted(name)}"
        f"&organizationName={_quoted(organisation)}"
        f"&issueYear={issued_at.year}&issueMonth={issued_at.month}{expiry}"
        f"&certUrl={quote(page, safe='')}&certId={quote(credential_id, safe='')}"
    )


@lru_cache(maxsize=1024)
def _quoted(text: str) -> str:
    return quote(text, safe="")


def embed_code(address: str, name: str) -> str:
    """The HTML that shows a badge inside a page of somebody else's; it runs no script there."""
    return (
        f'<iframe src="{escape(address)}/embed" title="{escape(name)}" width="360" height="190"'
        ' loading="lazy" referrerpolicy="no-referrer" style="border:0"></iframe>'
    )
