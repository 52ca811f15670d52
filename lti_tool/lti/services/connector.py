"""Requests to a platform's services with a bearer token, and what their answers mean.

LTI Security Framework 1.0, section 4. A 401 renews the token once; 429, 5xx and silence are worth
another try later; any other refusal is for a person to look at.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from core.http import AddressNotAllowedError, FetchError, HttpClient, Response
from core.outbox import DeliveryError
from lti_tool.lti.platforms import KnownPlatform
from lti_tool.lti.services.tokens import AccessToken, AccessTokens

TIMEOUT_SECONDS = 10.0
LARGEST_ANSWER = 1024 * 1024
LONGEST_WAIT = timedelta(hours=6)


class Connector:
    """Calls a platform's services. One per process; safe for threads."""

    def __init__(self, http: HttpClient, tokens: AccessTokens) -> None:
        self._http = http
        self._tokens = tokens

    def call(
        self,
        platform: KnownPlatform,
        scopes: frozenset[str],
        method: str,
        url: str,
        *,
        accept: str | None = None,
        content_type: str | None = None,
        body: bytes | None = None,
    ) -> Response:
        """Send one request with a token for `scopes`; 409 and 2xx are returned.

        Raises DeliveryError, permanent where trying again cannot help.
        """
        token = self._tokens.get(platform, scopes)
        answer = self._send(token, method, url, accept, content_type, body)
        if answer.status == 401:
            token = self._tokens.get(platform, scopes, renew=True)
            answer = self._send(token, method, url, accept, content_type, body)
        if 200 <= answer.status < 300 or answer.status == 409:
            return answer
        missing = scopes - token.scopes
        raise refused(answer, missing)

    def _send(
        self,
        token: AccessToken,
        method: str,
        url: str,
        accept: str | None,
        content_type: str | None,
        body: bytes | None,
    ) -> Response:
        headers = {"Authorization": f"Bearer {token.value}"}
        if accept:
            headers["Accept"] = accept
        if content_type:
            headers["Content-Type"] = content_type
        try:
            return self._http.request(
                method,
                url,
                headers=headers,
                body=body,
                timeout=TIMEOUT_SECONDS,
                max_bytes=LARGEST_ANSWER,
            )
        except AddressNotAllowedError as error:
            raise DeliveryError(f"The platform's service: {error}", permanent=True) from error
        except FetchError as error:
            raise DeliveryError(f"The platform's service: {error}") from error


def refused(answer: Response, missing: frozenset[str]) -> DeliveryError:
    """What an answer that is no success means for the job."""
    said = f"The platform answered {answer.status}."
    if missing:
        short = ", ".join(sorted(scope.rpartition("/scope/")[2] for scope in missing))
        said += f" It did not grant the scope {short}; allow it for Milepost in the LMS."
    again = answer.status in {401, 408, 425, 429} or answer.status >= 500
    return DeliveryError(said, permanent=not again, retry_after=_retry_after(answer))


def _retry_after(answer: Response) -> timedelta | None:
    """The answer's Retry-After in seconds, at most six hours; None where it names none."""
    text = answer.headers.get("retry-after", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        return None
    return min(timedelta(seconds=int(text)), LONGEST_WAIT)


def server_time(answer: Response) -> datetime | None:
    """What the platform's clock says, by its Date header."""
    try:
        found = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
