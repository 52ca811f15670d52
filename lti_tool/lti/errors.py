"""Refusals in words: what happened, what to do next, and the way back.

One table for all of them. The rules name a code and a reason; nothing that came from outside is
repeated, so nothing has to be escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.errors import MilepostError


class LtiRefusedError(MilepostError):
    """A login or launch that is not accepted; `reason` is one word for administrators."""

    def __init__(
        self,
        code: str,
        reason: str = "",
        *,
        advice: Any = None,
        actions: Sequence[dict[str, Any]] = (),
        retry_after: int | None = None,
    ) -> None:
        words = REFUSALS[code]
        super().__init__(
            words.message,
            code=code,
            title=words.title,
            advice=_advice(advice or words.advice, reason),
            details={"reason": reason} if reason else {},
            actions=actions,
        )
        self.status = words.status
        self.reason = reason
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)


@dataclass(frozen=True)
class Words:
    """How one refusal is answered."""

    status: int
    title: Any
    message: Any
    advice: Any


def _advice(first: Any, reason: str) -> list[str]:
    steps = [str(first)]
    if reason:
        told = REASONS.get(reason)
        steps.append(
            _("For your administrator: %(told)s (%(reason)s).", told=told, reason=reason)
            if told
            else _("For your administrator: the reason is %(reason)s.", reason=reason)
        )
    return steps


_AGAIN = _l("Go back to your course and open the activity again.")
_ADMIN = _l("Please tell your administrator the code and the request id below.")
_SETUP = _l(
    "Please tell your administrator the code below: the connection between the LMS and Milepost"
    " needs another look."
)
_STRANGE = _l("We could not use this launch")
_LINK = _l("This link cannot be opened")
_UNKNOWN = _l("This LMS is not connected yet")

REFUSALS: dict[str, Words] = {
    # Login
    "platform_unknown": Words(
        403, _UNKNOWN, _l("Milepost does not know the LMS that sent you here."), _l(
            "An administrator can connect it: it has to be registered with its issuer and client"
            " id first.")),
    "client_unknown": Words(
        403, _UNKNOWN, _l("Milepost knows this LMS, but not the client id that it gave."), _l(
            "An administrator can compare the client id in the LMS with the one registered here.")),
    "client_ambiguous": Words(
        400, _STRANGE, _l("This LMS is connected more than once, and it did not say which of its"
                          " connections is meant."), _SETUP),
    "iss_missing": Words(
        400, _STRANGE, _l("The LMS did not say who it is."), _AGAIN),
    "login_hint_missing": Words(
        400, _STRANGE, _l("The LMS did not say who is signing in."), _AGAIN),
    "target_not_allowed": Words(
        400, _LINK, _l("The link in your course points to a page that Milepost does not have."), _l(
            "Please ask whoever set up this activity to choose it again.")),
    "platform_disabled": Words(
        403, _l("This connection is switched off"),
        _l("An administrator has switched off the connection with this LMS."), _ADMIN),
    "duplicate_parameter": Words(
        400, _STRANGE, _l("The LMS sent the same detail twice, so we cannot tell which one holds."),
        _AGAIN),
    "parameter_invalid": Words(
        400, _STRANGE, _l("The LMS sent a detail that cannot be read."), _AGAIN),
    "request_too_large": Words(
        413, _l("Too large"), _l("The LMS sent more than a launch may hold."), _SETUP),
    # Launch
    "method_not_allowed": Words(
        405, _l("Open this from your course"),
        _l("This address is only for launches that your LMS sends."), _AGAIN),
    "login_required": Words(
        401, _l("Please sign in to your LMS again"),
        _l("Your LMS could not confirm who you are, perhaps because you have been signed out."),
        _l("Sign in to your LMS, then open the activity from your course again.")),
    "token_missing": Words(
        400, _STRANGE, _l("The LMS sent you here without its message."), _AGAIN),
    "token_too_large": Words(
        413, _l("Too large"), _l("The message from the LMS is larger than 64 KB."), _SETUP),
    "token_malformed": Words(
        400, _STRANGE, _l("The message from the LMS cannot be read."), _AGAIN),
    "state_invalid": Words(
        400, _l("This launch took too long"),
        _l("This sign-in is not one that Milepost began in the last ten minutes."), _AGAIN),
    "storage_blocked": Words(
        403, _l("Your browser keeps nothing for us here"),
        _l("Your browser does not let this page remember that you have signed in."), _l(
            "Open the activity in a window of its own. Nothing is lost.")),
    "state_mismatch": Words(
        403, _l("This sign-in began somewhere else"),
        _l("This sign-in was begun in another browser or another tab, so it was not used here."),
        _AGAIN),
    "launch_reused": Words(
        409, _l("This link was opened a second time"),
        _l("For your safety a launch works once. Going back in the browser, or a double click,"
           " uses it again. Nothing you wrote is lost."), _AGAIN),
    "nonce_mismatch": Words(
        400, _STRANGE, _l("The message from the LMS belongs to another sign-in."), _AGAIN),
    "nonce_invalid": Words(
        400, _STRANGE, _l("The message from the LMS does not say which sign-in it answers."),
        _AGAIN),
    "window_ticket_used": Words(
        410, _l("This window was opened before"),
        _l("The way into a new window works once, for ten minutes."), _AGAIN),
    "token_invalid": Words(
        401, _l("We could not trust this launch"),
        _l("The message from the LMS does not prove that it comes from there and is meant for"
           " Milepost."), _l("Go back to your course and open the activity again. If this page"
                             " comes back, your administrator can help.")),
    "platform_keys_unavailable": Words(
        503, _l("Please try again in a moment"),
        _l("The LMS does not answer when we ask for the keys that prove its messages."), _l(
            "Wait half a minute, then open the activity from your course again.")),
    "platform_keys_invalid": Words(
        503, _l("Please try again in a moment"),
        _l("The LMS answers without the keys that prove its messages."), _l(
            "Wait half a minute and try again. If it stays so, your administrator can compare the"
            " key set address of this connection with the one that the LMS names.")),
    "deployment_unknown": Words(
        403, _UNKNOWN, _l("This LMS is connected, but not this place in it."), _l(
            "An administrator of Milepost can let it in, under Connections. Then open the activity"
            " again.")),
    "deployment_missing": Words(
        400, _STRANGE, _l("The LMS did not say through which of its connections you came."),
        _SETUP),
    "claims_invalid": Words(
        400, _STRANGE, _l("Something that a launch needs is missing from the LMS's message, or is"
                          " not what it should be."), _SETUP),
    # Deep linking, submission review, data privacy
    "picker_role": Words(
        403, _l("Picking is for those who teach the course"),
        _l("Only coaches and leads of a course choose what its links open."), _l(
            "If you should be able to, ask whoever runs your course for the role.")),
    "review_role": Words(
        403, _l("This is somebody else's work"),
        _l("Only coaches of this course and programme leads open a colleague's work."),
        _l("Your own evidence opens from the activity in your course.")),
    "review_foreign": Words(
        403, _l("This work belongs to another course"),
        _l("The person whose work was asked for is not in this course."), _l(
            "Open the work from the gradebook of the course in which it was sent.")),
    "privacy_role": Words(
        403, _l("This is about somebody else"),
        _l("What is kept about a person is shown to that person alone."), _l(
            "Open the page from your own account. Administrators see the organisation's summary.")),
    # Without a launch
    "launch_needed": Words(
        401, _l("Open this from your course"),
        _l("This page opens from an activity in your course, so that it knows who you are."),
        _l("Go to your course in your LMS and open the activity there.")),
}  # fmt: skip

REASONS: dict[str, Any] = {
    "parts": _l("an id_token has three parts"),
    "header": _l("the token's header is not a JSON object"),
    "payload": _l("the token's payload is not a JSON object"),
    "kid_missing": _l("the token names no key"),
    "kid_unknown": _l("the platform's key set does not hold the token's key"),
    "key_refused": _l("the token's key is not an RSA signing key of 2048 bits or more"),
    "alg": _l("only RS256 is accepted"),
    "signature": _l("the signature does not fit"),
    "crit": _l("the token asks for an extension"),
    "exp_missing": _l("exp is missing"),
    "exp_past": _l("the token has expired"),
    "iat_missing": _l("iat is missing"),
    "iat_ahead": _l("the token is from the future; compare the clocks"),
    "iat_old": _l("the token was issued too long ago; compare the clocks"),
    "nbf_ahead": _l("the token does not hold yet; compare the clocks"),
    **{
        f"{name}_{fault}": _l("exp, iat and nbf are numbers of seconds since 1970")
        for name in ("exp", "iat", "nbf")
        for fault in ("type", "range")
    },
    "lifetime": _l("the token lives longer than a day"),
    "iss": _l("the token is of another issuer"),
    "aud": _l("the token is for another client"),
    "azp": _l("azp is another client"),
    "azp_missing": _l("several audiences need azp"),
    "sub_type": _l("sub is not a string"),
    "version": _l("the LTI version is not 1.3.0"),
    "message_type": _l("this type of message is not answered"),
    "roles": _l("roles is not a list of strings"),
    "resource_link": _l("resource_link has no usable id"),
    "target_link_uri": _l("target_link_uri is not the one that the login named"),
    "sub": _l("sub is missing, and this platform may not launch anonymously"),
    "context": _l("context has no usable id"),
    "custom": _l("custom is not an object"),
    "return_url": _l("the return address is not a web address that may be linked"),
    "return_url_elsewhere": _l(
        "the return address is not on a site that may frame our pages; Connections names those"
    ),
    "deployment_id": _l("deployment_id is not usable"),
    "waiting": _l("the deployment waits to be approved in Milepost, under Connections"),
    "refused": _l("the deployment was refused in Milepost; Connections can approve it again"),
    "deep_linking_settings": _l("deep_linking_settings is not an object"),
    "deep_link_return_url": _l("the return address for picked items is not an https address"),
    "accept_types": _l("accept_types is not a list of strings"),
    "accept_presentation_document_targets": _l(
        "accept_presentation_document_targets is not a list of strings"
    ),
    "accept_multiple": _l("accept_multiple is neither true nor false"),
    "accept_lineitem": _l("accept_lineitem is neither true nor false"),
    "deep_linking_data": _l("the platform's data for picked items is larger than 16 KB"),
    "for_user": _l("for_user does not say whose work or data it is"),
    "lineitem": _l("the line item of the work is missing or has no usable address"),
}
