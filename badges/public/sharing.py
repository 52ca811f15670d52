"""Taking a published badge elsewhere: the address that adds it to a LinkedIn profile (R48)."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote, urlencode

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
    values: dict[str, str] = {
        "startTask": "CERTIFICATION_NAME",
        "name": name,
        "organizationName": organisation,
        "issueYear": str(issued_at.year),
        "issueMonth": str(issued_at.month),
    }
    if expires_at is not None:
        values["expirationYear"] = str(expires_at.year)
        values["expirationMonth"] = str(expires_at.month)
    values |= {"certUrl": page, "certId": credential_id}
    return f"{LINKEDIN}?{urlencode(values, quote_via=quote)}"
