"""The practice LMS without its pages: one object that the views and the tests share."""

from collections.abc import Mapping
from typing import Any

from lti_tool.sandbox import links, oidc, registering, scores, tokens
from lti_tool.sandbox.addresses import Addresses
from lti_tool.sandbox.claims import TARGET_WINDOW
from lti_tool.sandbox.clock import Clock, system_clock
from lti_tool.sandbox.config import SandboxConfig
from lti_tool.sandbox.errors import NotFoundError, SandboxDataError
from lti_tool.sandbox.links import ResourceLink
from lti_tool.sandbox.oidc import AuthorizationResponse, Initiation
from lti_tool.sandbox.people import COURSES
from lti_tool.sandbox.platform_key import load_platform_key
from lti_tool.sandbox.scores import Grade, Gradebook
from lti_tool.sandbox.store import Store
from lti_tool.sandbox.tool_keys import FetchJwks, ToolKeys, fetch_over_http

DATABASE_FILE = "sandbox.sqlite3"
KEY_FILE = "platform-key.pem"


class Sandbox:
    """A small, genuine LTI 1.3 platform over one data folder.

    Args:
        config: the settings.
        fetch_jwks: reads the tool's key set; over HTTP where nothing else is given.
        clock: tells the present moment, aware.

    Raises:
        SandboxDataError: the data folder cannot be used.
    """

    def __init__(
        self,
        config: SandboxConfig,
        *,
        fetch_jwks: FetchJwks = fetch_over_http,
        clock: Clock = system_clock,
    ) -> None:
        self.config = config
        self.clock = clock
        self.addresses = Addresses(config.base_url)
        try:
            config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SandboxDataError(f"{config.data_dir} cannot be made: {error}") from error
        self.key = load_platform_key(config.data_dir / KEY_FILE)
        self.store = Store(config.data_dir / DATABASE_FILE)
        self.tool_keys = ToolKeys(config.tool_jwks_url, fetch_jwks, clock)
        with self.store.write() as connection:
            links.synchronise(connection, config.links)
            registering.prepare(connection)
        self._fetch_jwks = fetch_jwks
        self._registered_keys: dict[str, ToolKeys] = {}

    def links(self) -> list[ResourceLink]:
        """Every resource link shown, in the order of the settings."""
        with self.store.read() as connection:
            return links.every(connection)

    def link(self, title_or_id: str) -> ResourceLink:
        """The link with this id, or else with this title.

        Raises:
            NotFoundError: there is none.
        """
        shown = self.links()
        for link in [*(x for x in shown if x.id == title_or_id), *shown]:
            if title_or_id in (link.id, link.title):
                return link
        raise NotFoundError(f"resource link {title_or_id!r}")

    def config_for(self, client_id: str | None) -> SandboxConfig:
        """The settings towards the tool with that client id; our own for any other."""
        if not client_id or client_id == self.config.client_id:
            return self.config
        try:
            with self.store.read() as connection:
                tool = registering.get(connection, client_id)
        except NotFoundError:
            return self.config
        return registering.config_for(tool, self.config) if tool.active else self.config

    def keys_for(self, config: SandboxConfig) -> ToolKeys:
        """The keys of the tool that `config` is towards."""
        url = config.tool_jwks_url
        if url == self.config.tool_jwks_url:
            return self.tool_keys
        return self._registered_keys.setdefault(url, ToolKeys(url, self._fetch_jwks, self.clock))

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The LMS's public key set."""
        return self.key.jwks()

    def make_initiation(
        self,
        person_id: str,
        link_id: str,
        *,
        target: str = TARGET_WINDOW,
        client_id: str | None = None,
    ) -> Initiation:
        """Begin a launch: the tool's login address and the parameters to send there.

        Args:
            person_id: one of ``people.PEOPLE``.
            link_id: a resource link's id.
            target: ``iframe`` or ``window``.
            client_id: a registered tool's, or None for the tool of the settings.

        Raises:
            NotFoundError: no such person, link or target, or the course does not admit the person.
        """
        config = self.config_for(client_id)
        return oidc.initiate(self.store, config, person_id, link_id, target, self.clock())

    def initiation_of(self, hint: str) -> Initiation:
        """The login of a message that ``messages.begin`` has begun.

        Raises:
            NotFoundError: nothing was begun under this hint.
        """
        with self.store.read() as connection:
            return oidc.initiate_message(connection, self.config, hint)

    def authorize(
        self, params: Mapping[str, str], *, signed_in: str | None
    ) -> AuthorizationResponse:
        """Answer the tool's authorization request: where to post, and the fields.

        Args:
            params: the parameters of the request.
            signed_in: id of the person signed in, or None.

        Raises:
            AuthorizationRefusedError: unknown client or redirect address.
        """
        config = self.config_for(params.get("client_id"))
        return oidc.authorize(self.store, config, self.key, params, signed_in, self.clock())

    def issue_token(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Answer a request for an access token.

        Raises:
            ServiceError: as ``tokens.issue`` says.
        """
        config = self.config_for(tokens.claimed_client(form))
        return tokens.issue(form, config, self.store, self.keys_for(config), self.clock())

    def gradebook(self, course_id: str) -> Gradebook:
        """The grades of a course.

        Raises:
            NotFoundError: there is no such course.
        """
        if course_id not in COURSES:
            raise NotFoundError(f"course {course_id!r}")
        with self.store.read() as connection:
            return scores.gradebook(connection, COURSES[course_id])

    def grade(self, person_id: str, link_id: str) -> Grade | None:
        """What the gradebook holds for a person in the items of a resource link, if anything."""
        link = self.link(link_id)
        for row in self.gradebook(link.course_id).rows:
            for item, grade in row.cells:
                if row.person.id == person_id and item.resource_link_id == link.id and grade:
                    return grade
        return None
