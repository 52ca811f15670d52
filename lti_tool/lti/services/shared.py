"""The services of all platforms: one set a process, so that tokens and rests are shared."""

from __future__ import annotations

from dataclasses import dataclass

from core.runtime import Runtime
from keys.ring import KeyRing
from keys.shared import ring_of
from lti_tool.lti.services.connector import Connector
from lti_tool.lti.services.gate import Gate
from lti_tool.lti.services.line_items import LineItems
from lti_tool.lti.services.nrps import NamesAndRoles
from lti_tool.lti.services.scores import Scores
from lti_tool.lti.services.tokens import AccessTokens


@dataclass(frozen=True)
class Services:
    """What talks to platforms."""

    tokens: AccessTokens
    line_items: LineItems
    scores: Scores
    rosters: NamesAndRoles

    @classmethod
    def make(cls, runtime: Runtime, ring: KeyRing) -> Services:
        """A set of its own; `services_of` gives the process's."""
        gate = Gate(runtime.http)
        tokens = AccessTokens(gate, ring, runtime.now)
        connector = Connector(gate, tokens)
        return cls(
            tokens, LineItems(connector), Scores(connector, runtime.now), NamesAndRoles(connector)
        )


def services_of(runtime: Runtime) -> Services:
    """The process's one set."""
    return runtime.part(Services, lambda shared: Services.make(shared, ring_of(shared)))
