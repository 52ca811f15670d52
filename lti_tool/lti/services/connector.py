"""Requests to a platform's services with a bearer token, and what their answers mean.

LTI Security Framework 1.0, section 4. A 401 renews the token once; 429, 5xx and silence are worth
another try later; any other refusal is for a person to look at.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from core.http import AddressNotAllowedError, FetchError, Response
from core.outbox import DeliveryError
from lti_tool.lti.platforms import KnownPlatform
from lti_tool.lti.quirks import quirks_of
from lti_tool.lti.services.gate import Sender
from lti_tool.lti.services.tokens import AccessToken, AccessTokens

TIMEOUT_SECONDS = 10.0
LARGEST_ANSWER = 1024 * 1024
LONGEST_WAIT = timedelta(hours=6)


class RefusedByPlatformError(DeliveryError):
    """The platform answered, and its answer is a refusal; `status` is its number."""

    def __init__(
        self,
        message: str,
        status: int,
        *,
        permanent: bool,
        retry_after: timedelta | None = None,
        missing: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(message, permanent=permanent, retry_after=retry_after)
        self.status = status
        self.missing = missing


class Connector:
    """Calls a platform's services. One per process; safe for threads."""

    def __init__(self, http: Sender, tokens: AccessTokens) -> None:
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
        returned: frozenset[int] = frozenset({409}),
    ) -> Response:
        """Send one request with a token for `scopes`; 2xx and `returned` statuses are returned.

        Raises RefusedByPlatformError for other answers, DeliveryError where there was none;
        permanent where trying again cannot help.
        """
        token = self._tokens.get(platform, scopes)
        answer = self._send(token, method, url, accept, content_type, body)
        if answer.status == 401:
            token = self._tokens.get(platform, scopes, renew=True)
            answer = self._send(token, method, url, accept, content_type, body)
        if 200 <= answer.status < 300 or answer.status in returned:
            return answer
        raise refused(answer, scopes - token.scopes, quirks_of(platform.family).hint(answer.status))

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


def refused(answer: Response, missing: frozenset[str], hint: str = "") -> RefusedByPlatformError:
    """What an answer that is no success means for the job.

    `missing` are scopes that were asked for and silently not given; `hint` is the LMS's own case.
    """
    said = f"The platform answered {answer.status}.{hint}"
    if missing:
        said += f" It did not grant {scope_words(missing)}; allow it for Milepost in the LMS."
    again = answer.status in {401, 408, 425, 429} or answer.status >= 500
    return RefusedByPlatformError(
        said,
        answer.status,
        permanent=not again,
        retry_after=_retry_after(answer),
        missing=missing,
    )


def scope_words(scopes: frozenset[str]) -> str:
    """Scopes by their short names, as an LMS's settings show them."""
    short = ", ".join(sorted(scope.rpartition("/scope/")[2] for scope in scopes))
    return f"the scope {short}"


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
