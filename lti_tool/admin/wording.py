"""What administrators read about findings, deliveries and changes: codes become sentences here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from lti_tool.admin.changes import Change
from lti_tool.admin.health import Finding
from lti_tool.lti.names import SCOPE_LINE_ITEM, SCOPE_MEMBERSHIPS, SCOPE_RESULT, SCOPE_SCORE

# The name of an exception, with its code where it has one.
_OWN_FAULT = re.compile(r"(?P<name>[A-Z]\w*(?:Error|Exception|Timeout))(?: \(\w+\))?")

FAMILY_NAMES = {"canvas": "Canvas", "moodle": "Moodle", "schoology": "Schoology"}


@dataclass(frozen=True)
class Words:
    """A finding as it is read: what was looked at, how it is, what is wrong, what to do."""

    title: str
    tag: str
    kind: str
    text: str
    advice: str = ""


def family_name(family: str) -> str:
    """What people call the LMS."""
    if family == "sandbox":
        return str(_("Practice LMS"))
    return FAMILY_NAMES.get(family) or str(_("Another LMS"))


def check_tag(state: str | None) -> tuple[str, str]:
    """Word and kind of a tag for the state of the last check."""
    return {
        "good": (_("Works"), "good"),
        "warn": (_("Works in part"), "warn"),
        "bad": (_("Does not work"), "bad"),
    }.get(state or "", (_("Not checked yet"), "later"))


def finding(item: Finding, family: str) -> Words:
    """One finding in words, with the family's own names where that helps."""
    title = _("Their keys") if item.part == "keys" else _("Access token")
    text, advice = (_keys if item.part == "keys" else _token)(item, family)
    word, kind = check_tag(item.state)
    return Words(title, word, kind, text, advice)


def _keys(item: Finding, _family: str) -> tuple[str, str]:
    compare = _("Compare the key set address of this connection with the one that the LMS names.")
    if item.code == "unreachable":
        return _unreachable(item, _("The key set address"))
    if item.code == "status":
        text = _("The key set address answered %(status)s.", status=item.facts["status"])
        return text, compare
    if item.code == "html":
        return _("The key set address shows a web page instead of keys."), compare
    if item.code == "no_keys":
        return _("The key set address answered, but without keys."), compare
    if item.code == "no_usable_key":
        return (
            _("The key set holds no RSA signing key of 2048 bits or more."),
            _("Without one no launch can be trusted. The LMS has to make a new key."),
        )
    return (
        ngettext(
            "One key that launches can be checked with.",
            "%(num)s keys that launches can be checked with.",
            item.facts.get("count", 1),
        ),
        "",
    )


def _token(item: Finding, family: str) -> tuple[str, str]:
    code, facts = item.code, item.facts
    if code == "unreachable":
        return _unreachable(item, _("The token address"))
    if code in {"invalid_client", "unauthorized_client", "invalid_grant", "invalid_token"}:
        text = _("The platform does not accept our key or client id yet: it answered %(error)s.",
                 error=code)  # fmt: skip
        return text, _not_known(family)
    if code == "invalid_scope":
        text = _("The platform grants Milepost none of its services: it answered invalid_scope.")
        return text, _allow_services(family)
    if code == "scopes_unknown":
        return (
            _("The platform accepts our key. It has no services for Milepost so far."),
            _("Open an activity once from a course, then check again.")
            + " "
            + _allow_services(family),
        )
    if code == "scopes_missing":
        names = ", ".join(scope_name(scope) for scope in facts["missing"])
        text = _("A token came, but without: %(names)s.", names=names)
        return text, "" if item.state == "good" else _allow_services(family)
    return _token_fault(item)


def _token_fault(item: Finding) -> tuple[str, str]:
    compare = _("Compare the token address of this connection with the one that the LMS names.")
    status = item.facts.get("status", "")
    if item.code == "own_key_missing":
        return (
            _("Milepost has no key of its own to sign with."),
            _("Whoever runs this installation can make one: milepost doctor"),
        )
    if item.code in {"invalid_request", "unsupported_grant_type"}:
        text = _("The token address refused the way we ask: it answered %(error)s.",
                 error=item.code)  # fmt: skip
        audience = _("Compare the token address and, where the LMS names one, the audience.")
        return text, audience
    if item.code == "html":
        return _("The token address shows a web page instead of a token."), compare
    if item.code == "no_token":
        return _("The token address answered, but without a token."), compare
    if item.code == "redirect":
        return _("The token address sends us on to another address."), compare
    if item.code == "status":
        return _("The token address answered %(status)s.", status=status), compare
    return _("A token came, for everything that was asked."), ""


def _unreachable(item: Finding, what: str) -> tuple[str, str]:
    reason = item.facts.get("reason")
    if reason == "timeout":
        return (
            _("%(what)s did not answer within five seconds.", what=what),
            _("Try again in a few minutes. If it stays so, ask whoever runs the LMS."),
        )
    if reason == "tls":
        return (
            _("%(what)s has a certificate that cannot be trusted.", what=what),
            _("The LMS needs a valid certificate for its address."),
        )
    if reason == "url_not_allowed":
        return (
            _("%(what)s is on a private network or not https, so it was not asked.", what=what),
            _("If the LMS stands in your own network, whoever runs this installation can name its"
              " host in MILEPOST_OUTGOING_ALLOW."),
        )  # fmt: skip
    if reason == "too_large":
        return (
            _("%(what)s answered with more than keys or tokens ever are.", what=what),
            _("Compare the address with the one that the LMS names."),
        )
    return (
        _("%(what)s could not be reached.", what=what),
        _("Compare the address with the one that the LMS names; perhaps a firewall is between."),
    )


def _not_known(family: str) -> str:
    """Where the client id and our key are looked at in each LMS."""
    if family == "moodle":
        words = _(
            "In Moodle open Site administration › Plugins › Activity modules › External tool ›"
            " Manage tools: compare the client id, see that the tool is active, that the public key"
            " type is Keyset URL and that it holds our key set address. Moodle must be able to"
            " reach that address."
        )
    elif family == "canvas":
        words = _(
            "In Canvas open Admin › Developer Keys: compare the client id (the long number in the"
            " Details column), see that the key is ON and that it holds our key set address."
        )
    elif family == "schoology":
        words = _(
            "In Schoology open App Center › Options › API Info: compare the client id, and see"
            " that the app holds our key set address."
        )
    else:
        words = _(
            "In the LMS compare the client id, see that the tool is active and that it holds our"
            " key set address."
        )
    return str(words)


def _allow_services(family: str) -> str:
    """Where grades and lists of people are allowed in each LMS."""
    if family == "moodle":
        words = _(
            "In Moodle's tool settings, under Services, choose to use the assignment and grade"
            " services for grade sync and column management, and the names and role provisioning"
            " service."
        )
    elif family == "canvas":
        words = _(
            "In Canvas open Admin › Developer Keys, edit the key and switch on the scopes for line"
            " items, scores, results and the names and roles service."
        )
    else:
        words = _("Allow grades and the list of people for Milepost in the LMS.")
    return str(words)


def scope_name(scope: str) -> str:
    """What a scope lets us do."""
    known: dict[str, str] = {
        SCOPE_SCORE: _("sending grades"),
        SCOPE_LINE_ITEM: _("making gradebook columns"),
        SCOPE_RESULT: _("reading grades before they are overwritten"),
        SCOPE_MEMBERSHIPS: _("reading the list of people"),
    }
    return known.get(scope) or scope.rpartition("/scope/")[2]


def roles(names: Sequence[str]) -> str:
    """What somebody came in as."""
    known: dict[str, str] = {
        "teacher": _("teacher"),
        "coach": _("coach"),
        "lead": _("lead"),
        "administrator": _("administrator"),
    }
    return ", ".join(known.get(name, name) for name in names)


def topic(name: str) -> str:
    """What a delivery is."""
    known: dict[str, str] = {
        "review.decided>grade.post": _("A grade"),
        "review.decided": _("News of a decision"),
        "evidence.sent>grade.submitted": _("News of a submission, for the gradebook"),
        "lti.roster": _("A list of people"),
        "accounts.settle": _("Joining two accounts of one person"),
        "credential.sign": _("The signature of a badge"),
        "credential.rewrite_evidence": _("The evidence that a badge shows"),
        "credential.sign_revision": _("The signature of a badge in its next version"),
        "endorsement.sign": _("The signature of an endorsement"),
        "badge.endorsement_waits>mail": _("Word of an endorsement that waits"),
        "keys.replace": _("Looking for what a withdrawn key signed"),
        "badge.credential_reissued>mail": _("Word of a badge in its next version"),
        "badge.renewal_declined>mail": _("Word of a renewal that has to wait"),
        "badge.batch": _("Badges offered to everybody in a file"),
        "badge.newcomer_offered>invite": _("An invitation to a badge"),
        "mail.send": _("A mail"),
        "access.look_up": _("Looking up an address that asked for a way in"),
        "badge.award_offered>mail": _("Word of a badge that waits"),
        "badge.credential_issued>mail": _("Word of a signed badge"),
        "badge.credential_revoked>mail": _("Word of a withdrawn badge"),
    }
    if name in known:
        return known[name]
    return str(_("Clockwork: %(topic)s", topic=name))


def answer(error: str) -> str:
    """The last answer to a delivery: what the other side said, and our own faults in words.

    Of what went wrong inside only the kind is kept (`core.log.kind_of`), such as KeySealError.
    """
    kind = _OWN_FAULT.fullmatch(error)
    if kind is None:
        return error
    known: dict[str, str] = {
        "InvalidCredentialError": _(
            "As it is written nobody could verify it, so it is not signed."
        ),
        "NoActiveKeyError": " ".join(
            (
                _("Its issuer has no key to sign with."),
                _("Whoever runs this installation can make one: milepost doctor"),
            )
        ),
        "KeySealError": _(
            "The issuer’s key does not open with this installation’s master key, so nothing is"
            " signed. Whoever runs Milepost can put that right."
        ),
        "KeyWithdrawnError": _(
            "The key was withdrawn while it signed. It is tried with the new one."
        ),
    }
    return known.get(kind["name"]) or str(
        _(
            "Milepost met a fault of its own (%(name)s). Whoever runs it finds more in its log.",
            name=error,
        )
    )


def dropping(topic: str) -> str:
    """What it means that a delivery is dropped."""
    signatures: dict[str, str] = {
        "credential.sign": _(
            "The badge is then never signed, and its holder waits for it until it is withdrawn."
            " This cannot be undone."
        ),
        "credential.sign_revision": _(
            "This version of the badge is then not signed: the badge stays as it was until it is"
            " corrected or renewed again. This cannot be undone."
        ),
        "endorsement.sign": _(
            "The endorsement is then never signed, so nobody sees it. This cannot be undone."
        ),
    }
    if topic in signatures:
        return signatures[topic]
    if ">" in topic or topic in {"review.decided", "mail.send"}:
        return str(
            _(
                "It is then never sent. What it told of, such as a decision, stays as it is here;"
                " only the other side does not hear of it. This cannot be undone."
            )
        )
    return str(_("It is then never done; all else stays as it is. This cannot be undone."))


def change(item: Change) -> str:
    """What was changed."""
    actions: dict[str, str] = {
        "platform.change": _("Settings changed"),
        "platform.disable": _("Disabled"),
        "platform.enable": _("Enabled"),
        "platform.add": _("Registered by hand"),
        "platform.import": _("Imported"),
        "platform.registered": _("Registered by the LMS"),
        "platform.updated": _("Registered anew by the LMS"),
        "deployment.approve": _("A deployment was approved"),
        "deployment.refuse": _("A deployment was refused"),
        "deployment.add": _("A deployment was added"),
        "delivery.retry": _("Tried again"),
        "delivery.drop": _("Dropped"),
    }
    fields = item.details.get("changed") if item.action == "platform.change" else None
    if isinstance(fields, list):
        names = ", ".join(setting(str(name)) for name in fields)
        return str(_("Changed: %(names)s", names=names))
    return actions.get(item.action) or item.action


def setting(name: str) -> str:
    """What a setting of a connection is called."""
    known: dict[str, Any] = {
        "name": _("name"),
        "auth_login_url": _("authorization address"),
        "auth_token_url": _("token address"),
        "jwks_url": _("key set address"),
        "token_audience": _("token audience"),
        "frame_origins": _("frame origins"),
        "verifies_emails": _("verified addresses"),
        "anonymous_allowed": _("people without an id"),
        "administrators_allowed": _("administrators from the LMS"),
        "privacy_level": _("privacy level"),
        "role_overrides": _("roles"),
    }
    return str(known.get(name, name))
