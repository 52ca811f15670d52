"""Access tokens, asked for by many at once."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from core.http import Response
from core.runtime import Runtime
from keys.shared import ring_of
from lti_tool.lti.names import SCOPE_RESULT, SCOPE_SCORE
from lti_tool.lti.services.tokens import AccessTokens
from tests.lti_tool.lti.services.conftest import Scene

SCORE, RESULT = frozenset({SCOPE_SCORE}), frozenset({SCOPE_RESULT})


class TokenEndpoint:
    """Answers when everybody has asked."""

    def __init__(self, wait_for: int) -> None:
        self.together = threading.Barrier(wait_for)
        self.asked = 0

    def request(self, _method: str, url: str, **_options: Any) -> Response:
        self.together.wait(30)
        self.asked += 1
        body = {"access_token": f"token-{self.asked}", "expires_in": 3600}
        return Response(200, {}, json.dumps(body).encode(), url)


def test_many_who_ask_at_once_all_have_one_and_later_ones_share_it(standard: Scene) -> None:
    runtime: Runtime = standard.runtime
    platform = standard.installation.tool.platforms.get(standard.installation.platform_id)
    assert platform is not None
    endpoint = TokenEndpoint(8)
    tokens = AccessTokens(endpoint, ring_of(runtime), runtime.now)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _n: tokens.get(platform, SCORE).value, range(8)))
    assert all(value.startswith("token-") for value in found)
    asked = endpoint.asked
    assert {tokens.get(platform, SCORE).value for _ in range(5)} <= set(found)
    assert endpoint.asked == asked
    endpoint.together = threading.Barrier(1)
    assert tokens.get(platform, RESULT).value not in found, "one a set of scopes"
    assert tokens.get(platform, SCORE, renew=True).value != tokens.get(platform, RESULT).value
