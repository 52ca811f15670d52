"""id_tokens: whose they are, whether they are genuine, and that they are for us and for now.

LTI Security Framework 1.0, section 5.1.3.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import jwt

from lti_tool.lti import rules
from lti_tool.lti.keysets import KeySets
from lti_tool.lti.names import SIGNING_ALGORITHM
from lti_tool.lti.platforms import KnownPlatform
from lti_tool.lti.rules import Token

# PyJWT's algorithm alone: its `decode` takes the token apart a second time, letter by letter, which
# costs more than the signature, and judges times by a clock that is not ours.
_RS256 = jwt.get_algorithm_by_name(SIGNING_ALGORITHM)


def verified_claims(
    token: Token, platform: KnownPlatform, keys: KeySets, now: datetime
) -> dict[str, Any]:
    """The claims of `token` once it has been shown to come from `platform`, for us, now.

    May ask the network for the platform's keys. Raises RefusedError.
    """
    kid = rules.check_header(token.header)
    # Before any request goes out: a token for somebody else needs no key.
    rules.check_parties(token.claims, issuer=platform.issuer, client_id=platform.client_id)
    key: Any = keys.find(platform.jwks_url, kid)
    if not _RS256.verify(token.signing_input, key, token.signature):
        raise rules.RefusedError("token_invalid", "signature")
    rules.check_subject_type(token.claims)
    rules.check_times(token.claims, now)
    return token.claims
