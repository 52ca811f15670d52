"""The sentences of a report for a credential that is itself an endorsement (B.1.9).

Endorsements go through the same examination as badges, whose sentences speak of a badge. Here is
what each says of an endorsement; its code, which programs read, is the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from badges.openbadges.messages import N_, Message, Problem
from badges.openbadges.report import StepResult

_ABOUT_A_BADGE: Final = {
    # Reading and form
    "An Open Badge 3.0 was read.": N_("An endorsement of Open Badges 3.0 was read."),
    "The badge is not put together as Open Badges 3.0 asks; faults: %(count)s.": N_(
        "This endorsement is not put together as Open Badges 3.0 asks; faults: %(count)s."
    ),
    "The badge is put together as Open Badges 3.0 asks.": N_(
        "This endorsement is put together as Open Badges 3.0 asks."
    ),
    "The badge says things that its contexts do not define: %(count)s in number.": N_(
        "This endorsement says things that its contexts do not define: %(count)s in number."
    ),
    "Every word of the badge is defined by its contexts.": N_(
        "Every word of this endorsement is defined by its contexts."
    ),
    "The badge cannot be read as JSON-LD: %(reason)s": N_(
        "This endorsement cannot be read as JSON-LD: %(reason)s"
    ),
    "the term “%(term)s” is not defined by any context of the badge": N_(
        "the term “%(term)s” is not defined by any context of this endorsement"
    ),
    "the type “%(term)s” is not defined by any context of the badge": N_(
        "the type “%(term)s” is not defined by any context of this endorsement"
    ),
    "the badge describes itself a second time inside itself": N_(
        "this endorsement describes itself a second time inside itself"
    ),
    "the JSON-LD keyword “%(term)s” may not stand in a badge": N_(
        "the JSON-LD keyword “%(term)s” may not stand in an endorsement"
    ),
    "the badge defines words of its own in its context": N_(
        "this endorsement defines words of its own in its context"
    ),
    # Issuer and proof
    "The badge does not name its issuer.": N_("This endorsement does not name its issuer."),
    "The badge carries no proof.": N_("This endorsement carries no proof."),
    "The badge carries too many proofs.": N_("This endorsement carries too many proofs."),
    "The token's claims do not repeat the badge as they must.": N_(
        "The token's claims do not repeat this endorsement as they must."
    ),
    "The badge is unchanged since it was signed.": N_(
        "This endorsement is unchanged since it was signed."
    ),
    # Status
    "This badge was issued for good.": N_("This endorsement was given for good."),
    "The badge's status entry cannot be read.": N_(
        "The status entry of this endorsement cannot be read."
    ),
    "The badge's status is kept in a way that is not known here: %(kind)s": N_(
        "The status of this endorsement is kept in a way that is not known here: %(kind)s"
    ),
    "The issuer has not revoked this badge.": N_("The issuer has not revoked this endorsement."),
    "The issuer has revoked this badge.": N_("The issuer has revoked this endorsement."),
    "The issuer has revoked this badge: %(reason)s": N_(
        "The issuer has revoked this endorsement: %(reason)s"
    ),
    "The issuer has suspended this badge for now.": N_(
        "The issuer has suspended this endorsement for now."
    ),
    "The issuer's list of revoked badges could not be had: %(reason)s": N_(
        "The issuer's list of what it has revoked could not be had: %(reason)s"
    ),
    "The issuer's list of revoked badges cannot be trusted: %(reason)s": N_(
        "The issuer's list of what it has revoked cannot be trusted: %(reason)s"
    ),
    # Time and recipient
    "The badge does not say when it is valid.": N_(
        "This endorsement does not say when it is valid."
    ),
    "The badge is not valid yet: it begins on %(date)s.": N_(
        "This endorsement is not valid yet: it begins on %(date)s."
    ),
    "The badge expired on %(date)s.": N_("This endorsement expired on %(date)s."),
    "The badge is within its time.": N_("This endorsement is within its time."),
    "The badge does not name its earner in a way that can be compared.": N_(
        "This endorsement does not name whom it is about in a way that can be compared."
    ),
    "The badge was earned by this person.": N_("This endorsement is about this person."),
    "The badge was earned by somebody else.": N_("This endorsement is about somebody else."),
    # What others say inside it, of its issuer for one
    "An endorsement in the badge could not be checked: %(reason)s": N_(
        "An endorsement inside this endorsement could not be checked: %(reason)s"
    ),
    "An endorsement in the badge does not hold: %(reason)s": N_(
        "An endorsement inside this endorsement does not hold: %(reason)s"
    ),
    "The badge carries %(count)s endorsements, more than are checked here.": N_(
        "This endorsement carries %(count)s others, more than are checked here."
    ),
    "Of the badge's endorsements (%(count)s) some were withdrawn: %(withdrawn)s.": N_(
        "Of the endorsements inside this one (%(count)s) some were withdrawn: %(withdrawn)s."
    ),
    "Every endorsement in the badge holds: %(count)s, expired: %(expired)s.": N_(
        "Every endorsement inside this one holds: %(count)s, expired: %(expired)s."
    ),
}
# A reason may also be a sentence about the issuer's list, which is no endorsement: these alone.
_REASONS: Final = {
    "the issuer does not list it for signing badges.": N_(
        "the issuer does not list it for signing endorsements."
    ),
    "it has another address than the badge names.": N_(
        "it has another address than this endorsement names."
    ),
}


def of_endorsement(result: StepResult) -> StepResult:
    """A step of an endorsement's examination, in words that say so."""
    problems = tuple(
        Problem(found.pointer, message_of_endorsement(found.message)) for found in result.problems
    )
    return replace(result, message=message_of_endorsement(result.message), problems=problems)


def message_of_endorsement(message: Message) -> Message:
    """One sentence, and the reason in it; every other sentence is returned as it is."""
    params = dict(message.params)
    reason = str(params.get("reason"))
    if reason in _REASONS:
        params["reason"] = _REASONS[reason]
    return Message(message.code, _ABOUT_A_BADGE.get(message.template, message.template), params)
