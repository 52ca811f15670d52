"""Settings of the practice LMS, checked when they are made.

The practice LMS exists for ``milepost demo`` and the tests. Any other environment is refused
here, before anything is opened or written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lti_tool.sandbox.errors import SandboxConfigError, SandboxRefusedError
from lti_tool.sandbox.people import COURSES, TEACHING_CIRCLE

ALLOWED_ENVIRONMENTS = ("demo", "test")


@dataclass(frozen=True)
class ResourceLinkSpec:
    """One activity that a course offers, pointing into the tool.

    Args:
        title: what the course page calls it.
        description: one or two plain sentences under the title.
        target_link_uri: address in the tool that the launch is for.
        custom: custom parameters; values may hold variables such as ``$Context.id``.
        score_maximum: maximum of the gradebook item made with the link, or None for no item.
        course: id of the course that shows the link (see ``people.COURSES``).
        share_name: whether launches and rosters for this link carry names.
        share_email: whether launches and rosters for this link carry e-mail addresses.
        id: the resource link id; a small number is given at the first run where this is empty.
            Links without an id are recognised at later runs by course and title.
    """

    title: str
    description: str
    target_link_uri: str
    custom: Mapping[str, str] = field(default_factory=dict)
    score_maximum: float | None = None
    course: str = TEACHING_CIRCLE
    share_name: bool = True
    share_email: bool = True
    id: str = ""


def _origin_fault(name: str, value: str) -> str | None:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        usable = usable and value == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        usable = False
    return None if usable else f"{name} must be an origin such as http://127.0.0.1:8001"


@dataclass(frozen=True)
class SandboxConfig:
    """Everything the practice LMS needs to know.

    Args:
        data_dir: folder for its database and keys; made where it does not exist.
        client_id: the id under which the tool is registered.
        deployment_id: the one deployment of the tool.
        base_url: the LMS's own origin, which is also its issuer.
        tool_base_url: the tool's origin; on another host name, so that it is another site.
        links: the resource links that the courses show.
        environment: ``demo`` or ``test``.
        translations_dir: folder of gettext catalogues for the pages, if there is one.

    Raises:
        SandboxRefusedError: the environment is neither ``demo`` nor ``test``.
        SandboxConfigError: a setting cannot be used; the message names every fault.
    """

    data_dir: Path
    client_id: str
    deployment_id: str
    base_url: str = "http://127.0.0.1:8001"
    tool_base_url: str = "http://localhost:8000"
    links: tuple[ResourceLinkSpec, ...] | list[ResourceLinkSpec] = ()
    environment: str = ""
    translations_dir: Path | None = None

    def __post_init__(self) -> None:
        if self.environment not in ALLOWED_ENVIRONMENTS:
            raise SandboxRefusedError(
                "The practice LMS lets anybody be anybody, so it runs only where the environment "
                f"is 'demo' or 'test', not {self.environment!r}."
            )
        faults = [
            _origin_fault("base_url", self.base_url),
            _origin_fault("tool_base_url", self.tool_base_url),
            None if self.client_id else "client_id must not be empty",
            None if self.deployment_id else "deployment_id must not be empty",
            *(_link_fault(number, link) for number, link in enumerate(self.links, start=1)),
            _repeated_ids(self.links),
        ]
        told = [fault for fault in faults if fault]
        if told:
            raise SandboxConfigError("; ".join(told))

    def limited(self, link: Any) -> Any:
        """A resource link as the tool may see it: here as it is."""
        return link

    @property
    def issuer(self) -> str:
        """The ``iss`` of every token."""
        return self.base_url

    @property
    def authorization_url(self) -> str:
        """Where the tool sends its OpenID Connect authorization request."""
        return f"{self.base_url}/auth"

    @property
    def token_url(self) -> str:
        """Where the tool asks for access tokens; also the audience of its assertions."""
        return f"{self.base_url}/token"

    @property
    def jwks_url(self) -> str:
        """Where the LMS publishes its public key."""
        return f"{self.base_url}/jwks.json"

    @property
    def tool_login_url(self) -> str:
        """The tool's third-party-initiated login."""
        return f"{self.tool_base_url}/lti/login"

    @property
    def tool_redirect_uris(self) -> tuple[str, ...]:
        """The only addresses that an id_token is posted to."""
        return (f"{self.tool_base_url}/lti/launch",)

    @property
    def tool_jwks_url(self) -> str:
        """Where the tool publishes its public keys."""
        return f"{self.tool_base_url}/.well-known/jwks.json"


def _link_fault(number: int, link: ResourceLinkSpec) -> str | None:
    if not link.title.strip():
        return f"link {number} needs a title"
    if link.course not in COURSES:
        return f"link {number} ({link.title}) names an unknown course {link.course!r}"
    if urlsplit(link.target_link_uri).scheme not in ("http", "https"):
        return f"link {number} ({link.title}) needs an absolute http address"
    if link.score_maximum is not None and not 0 < link.score_maximum < float("inf"):
        return f"link {number} ({link.title}) needs a score maximum above zero, or none"
    return None


def _repeated_ids(links: tuple[ResourceLinkSpec, ...] | list[ResourceLinkSpec]) -> str | None:
    named = [link.id or f"{link.course}/{link.title}" for link in links]
    repeated = sorted({name for name in named if named.count(name) > 1})
    return f"links are named twice: {', '.join(repeated)}" if repeated else None
