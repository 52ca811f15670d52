"""What registering can say no to, in words: what happened, what to do next.

One table for all of them. Nothing that an LMS sent is repeated but its client id, where that is
what an administrator needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.errors import MilepostError
from lti_tool.lti.errors import Words


class RegistrationRefusedError(MilepostError):
    """A registration that does not go on.

    `reason` is one word for administrators. `spent` says that the LMS has or may have registered
    us, so that the link must not be used again; `facts` are told to whoever finishes by hand.
    """

    def __init__(
        self,
        code: str,
        reason: str = "",
        *,
        spent: bool = False,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        words = REFUSALS[code]
        super().__init__(
            words.message,
            code=code,
            title=words.title,
            advice=_advice(words.advice, reason, facts or {}),
            details={"reason": reason} if reason else {},
        )
        self.status = words.status
        self.reason = reason
        self.spent = spent


def _advice(first: Any, reason: str, facts: Mapping[str, str]) -> list[Any]:
    steps: list[Any] = [first]
    steps += [f"{name}: {value}" for name, value in facts.items()]
    if reason:
        steps.append(REASONS.get(reason) or _l("The reason is: %(reason)s.", reason=reason))
    return steps


def where_to_paste() -> Sequence[str]:
    """Where each LMS takes a registration link."""
    return [
        _(
            "Moodle: Site administration › Plugins › Activity modules › External tool › Manage"
            " tools. Paste the link into “Tool URL” and press “Add LTI Advantage”."
        ),
        _(
            "Canvas: Admin › Apps › Manage › Install a New App › Dynamic Registration. Paste the"
            " link there."
        ),
        _("Any other LMS: look for “dynamic registration” or “registration URL”."),
    ]


_NEW_LINK = _l(
    "An administrator of Milepost can make a new one under Connections, or with: milepost platform"
    " invite"
)
_KEPT = _l("Nothing was registered, and the link can be used again.")
_HERE = _l("This LMS cannot be connected by this link")

REFUSALS: dict[str, Words] = {
    "registration_link_unknown": Words(
        410, _l("This link is not valid"),
        _l("Milepost has no registration link like this one. Perhaps a part of it was lost when it"
           " was copied."), _NEW_LINK),
    "registration_link_used": Words(
        410, _l("This link was used before"),
        _l("A registration link connects one LMS, once. This one has been used, or is being used"
           " right now in another window."), _NEW_LINK),
    "registration_link_expired": Words(
        410, _l("This link is too old"),
        _l("A registration link can be used for seven days. This one is older."), _NEW_LINK),
    "configuration_missing": Words(
        400, _l("Paste this link into your LMS"),
        _l("This link is for your LMS, not for a browser: the LMS opens it by itself and tells"
           " Milepost how to reach it. The link was not used up."), _l(
            "Copy the whole link from your browser’s address line, and paste it where your LMS"
            " adds tools.")),
    "registration_token_invalid": Words(
        400, _HERE, _l("The LMS sent a registration token that cannot be read."), _KEPT),
    "url_not_allowed": Words(
        400, _HERE,
        _l("The address where this LMS describes itself is not one that Milepost may open: it is"
           " not https, leads elsewhere, or lies in a private network."), _l(
            "For an LMS in your own network, whoever runs Milepost can name its host in"
            " MILEPOST_OUTGOING_ALLOW. Nothing was registered, and the link can be used again.")),
    "issuer_mismatch": Words(
        400, _HERE,
        _l("The LMS calls itself by an address of another host than the one that describes it, so"
           " it may not be what it says."), _l(
            "Please register this LMS by hand if you are sure of it. Nothing was registered, and"
            " the link can be used again.")),
    "configuration_unavailable": Words(
        502, _l("The LMS does not answer as it should"),
        _l("Milepost asked the LMS how to reach it, and did not get a usable answer in time."), _l(
            "Try again in a minute. Nothing was registered, and the link can be used again.")),
    "configuration_invalid": Words(
        502, _l("The LMS does not answer as it should"),
        _l("What the LMS says of itself is incomplete, or not in the form that LTI asks for."), _l(
            "Please register this LMS by hand. Nothing was registered, and the link can be used"
            " again.")),
    "registration_refused": Words(
        502, _l("The LMS did not accept Milepost"),
        _l("The LMS was told about Milepost and answered no."), _l(
            "Begin anew in the LMS: what it gave Milepost to register with is often good for one"
            " hour only. Nothing was registered, and the link can be used again.")),
    "registration_uncertain": Words(
        502, _l("Please look into your LMS"),
        _l("The LMS was told about Milepost, but its answer did not arrive whole. It may have"
           " registered Milepost; Milepost has stored nothing."), _l(
            "If Milepost is in the LMS’s list of tools, delete it there. Then begin again with a"
            " new link: this one is used up.")),
    "registration_unfinished": Words(
        503, _l("One step is missing"),
        _l("The LMS has registered Milepost, but Milepost could not store it. Nothing was lost:"
           " what is needed stands below."), _l(
            "Register the LMS by hand under Connections, or with: milepost platform add. The link"
            " is used up.")),
    "platform_exists": Words(
        409, _l("This LMS is connected already"),
        _l("Milepost has a connection with the same issuer and client id. It was left as it is."),
        _l("To bring that connection up to date, open it under Connections and make a link for"
           " updating it, or use: milepost platform invite --platform ID")),
    "other_platform": Words(
        409, _l("This link is for another LMS"),
        _l("This link was made to update one connection, and this LMS is not the one behind it."),
        _l("Make a new link for connecting another LMS. Nothing was registered, and this link can"
           " be used again.")),
}  # fmt: skip

REASONS: dict[str, Any] = {
    "redirect": _l("The address led on to another one."),
    "private": _l("The address lies in a private network, or is not https."),
    "timeout": _l("It took too long to answer."),
    "too_large": _l("Its answer was larger than 256 KB."),
    "tls": _l("Its certificate could not be trusted."),
    "unreachable": _l("It could not be reached."),
    "status": _l("It answered with an error."),
    "token": _l("It did not accept the registration token that it gave; begin anew in the LMS."),
    "not_json": _l("Its answer was not JSON."),
    "fields": _l("Required fields are missing: issuer, endpoints, registration endpoint, keys."),
    "addresses": _l("One of the endpoints is not an https address."),
    "algorithm": _l("It does not sign with RS256, the one algorithm that Milepost takes."),
    "client_id": _l("Its answer held no client id."),
}
