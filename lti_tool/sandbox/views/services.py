"""What tools talk to without a browser: keys, tokens, grades, rosters. JSON throughout."""

import json
from typing import Any

from flask import Blueprint, make_response, request
from werkzeug.http import parse_options_header
from werkzeug.wrappers import Response

from lti_tool.sandbox import ags_rules, claims, line_items, links, paging, roster, scores, tokens
from lti_tool.sandbox.errors import NotFoundError, ServiceError
from lti_tool.sandbox.line_items import LineItem
from lti_tool.sandbox.people import COURSES, Course
from lti_tool.sandbox.views.common import once_each, the_sandbox
from lti_tool.sandbox.vocabulary import (
    ALL_SCOPES,
    LINE_ITEM_CONTAINER_TYPE,
    LINE_ITEM_TYPE,
    MEMBERSHIP_CONTAINER_TYPE,
    PLATFORM_CONFIGURATION,
    RESOURCE_LINK_REQUEST,
    RESULT_CONTAINER_TYPE,
    SCOPE_LINE_ITEM,
    SCOPE_LINE_ITEM_READ,
    SCOPE_MEMBERSHIP_READ,
    SCOPE_RESULT_READ,
    SCOPE_SCORE,
    SCORE_TYPE,
)

services = Blueprint("services", __name__)

ITEM_PATH = "/services/ags/<course_id>/lineitems/<item_id>/lineitem"

CLAIMS_OFFERED = ("iss", "sub", "name", "given_name", "family_name", "email", "locale")


def as_json(payload: Any, media_type: str = "application/json", status: int = 200) -> Response:
    """A JSON answer of exactly this media type."""
    response = make_response(json.dumps(payload, ensure_ascii=False), status)
    response.headers["Content-Type"] = media_type
    return response


def _needs_accept(media_type: str) -> None:
    """406 unless the request takes this media type by its exact name, or anything."""
    asked = [value for value, _quality in request.accept_mimetypes]
    if asked and not {media_type, "*/*"} & set(asked):
        raise ServiceError(406, "not_acceptable", f"Accept must be {media_type}.")


def _body(media_type: str) -> dict[str, Any]:
    """The JSON object sent under exactly this media type; 415 for others."""
    sent, _parameters = parse_options_header(request.headers.get("Content-Type", ""))
    if sent.lower() != media_type:
        raise ServiceError(415, "unsupported_media_type", f"Content-Type must be {media_type}.")
    return ags_rules.parse_object(request.get_data())


def _allow(*scopes: str) -> None:
    sandbox = the_sandbox()
    with sandbox.store.read() as connection:
        tokens.require_scope(
            connection, request.headers.get("Authorization"), scopes, sandbox.clock()
        )


def _course(course_id: str) -> Course:
    course = COURSES.get(course_id)
    if course is None:
        raise ServiceError(404, "not_found", "There is no such context.")
    return course


def _item(connection: Any, course_id: str, item_id: str) -> LineItem:
    number = paging.whole_number(item_id)
    if number is None:
        raise ServiceError(404, "not_found", "There is no such line item in this context.")
    return line_items.get(connection, _course(course_id).id, number)


def _own_address() -> str:
    return the_sandbox().config.base_url + request.path


@services.get("/jwks.json")
def key_set() -> Response:
    """The LMS's public keys (RFC 7517)."""
    response = as_json(the_sandbox().jwks())
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@services.get("/.well-known/openid-configuration")
def discovery() -> Response:
    """What the platform offers (OpenID Connect Discovery 1.0, section 3)."""
    return as_json(configuration())


def configuration() -> dict[str, Any]:
    """The platform's description of itself."""
    config = the_sandbox().config
    return {
        "issuer": config.issuer,
        "authorization_endpoint": config.authorization_url,
        "token_endpoint": config.token_url,
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "jwks_uri": config.jwks_url,
        "scopes_supported": ["openid", *ALL_SCOPES],
        "response_types_supported": ["id_token"],
        "response_modes_supported": ["form_post"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": list(CLAIMS_OFFERED),
        PLATFORM_CONFIGURATION: {
            "product_family_code": claims.PRODUCT_FAMILY,
            "version": claims.PLATFORM_VERSION,
            "messages_supported": [{"type": RESOURCE_LINK_REQUEST}],
        },
    }


@services.post("/token")
def token() -> Response:
    """The token endpoint (RFC 6749, section 4.4; RFC 7523)."""
    response = as_json(the_sandbox().issue_token(once_each(request.form)))
    response.headers["Cache-Control"] = "no-store"
    return response


@services.get("/services/ags/<course_id>/lineitems")
def list_line_items(course_id: str) -> Response:
    """The line items of a course (AGS 2.0, section 3.2.6)."""
    _allow(SCOPE_LINE_ITEM, SCOPE_LINE_ITEM_READ)
    _needs_accept(LINE_ITEM_CONTAINER_TYPE)
    query = once_each(request.args)
    sandbox = the_sandbox()
    with sandbox.store.read() as connection:
        items = line_items.in_course(connection, _course(course_id).id, query)
    page = paging.cut([item.to_json(sandbox.addresses) for item in items], query, _own_address())
    return _with_links(as_json(page.rows, LINE_ITEM_CONTAINER_TYPE), page.link_header)


@services.post("/services/ags/<course_id>/lineitems")
def create_line_item(course_id: str) -> Response:
    """A new line item (AGS 2.0, section 3.2.5)."""
    _allow(SCOPE_LINE_ITEM)
    course = _course(course_id)
    draft = ags_rules.parse_line_item(_body(LINE_ITEM_TYPE))
    sandbox = the_sandbox()
    with sandbox.store.write() as connection:
        item = line_items.create(connection, course.id, draft)
    made = item.to_json(sandbox.addresses)
    response = as_json(made, LINE_ITEM_TYPE, 201)
    response.headers["Location"] = made["id"]
    return response


@services.get(ITEM_PATH)
def read_line_item(course_id: str, item_id: str) -> Response:
    """One line item."""
    _allow(SCOPE_LINE_ITEM, SCOPE_LINE_ITEM_READ)
    _needs_accept(LINE_ITEM_TYPE)
    sandbox = the_sandbox()
    with sandbox.store.read() as connection:
        item = _item(connection, course_id, item_id)
    return as_json(item.to_json(sandbox.addresses), LINE_ITEM_TYPE)


@services.put(ITEM_PATH)
def replace_line_item(course_id: str, item_id: str) -> Response:
    """Change a line item as a whole (AGS 2.0, section 3.2.10)."""
    _allow(SCOPE_LINE_ITEM)
    payload = _body(LINE_ITEM_TYPE)
    sandbox = the_sandbox()
    with sandbox.store.write() as connection:
        item = _item(connection, course_id, item_id)
        if payload.get("id") not in (None, sandbox.addresses.line_item(item.course_id, item.id)):
            ags_rules.refuse("id is not the address of this line item.")
        changed = line_items.replace(connection, item, ags_rules.parse_line_item(payload))
    return as_json(changed.to_json(sandbox.addresses), LINE_ITEM_TYPE)


@services.delete(ITEM_PATH)
def delete_line_item(course_id: str, item_id: str) -> Response:
    """Remove a line item and its grades."""
    _allow(SCOPE_LINE_ITEM)
    with the_sandbox().store.write() as connection:
        line_items.delete(connection, _item(connection, course_id, item_id))
    return make_response("", 204)


@services.post(f"{ITEM_PATH}/scores")
def post_score(course_id: str, item_id: str) -> Response:
    """Take a score (AGS 2.0, section 3.4)."""
    _allow(SCOPE_SCORE)
    score = ags_rules.parse_score(_body(SCORE_TYPE))
    sandbox = the_sandbox()
    with sandbox.store.write() as connection:
        item = _item(connection, course_id, item_id)
        scores.record(connection, _course(course_id), item, score, sandbox.clock())
    return make_response("", 204)


@services.get(f"{ITEM_PATH}/results")
def list_results(course_id: str, item_id: str) -> Response:
    """The results of a line item, perhaps one person's only (AGS 2.0, section 3.3)."""
    _allow(SCOPE_RESULT_READ)
    _needs_accept(RESULT_CONTAINER_TYPE)
    query = once_each(request.args)
    sandbox = the_sandbox()
    with sandbox.store.read() as connection:
        item = _item(connection, course_id, item_id)
        found = scores.results(connection, item, query.get("user_id"), sandbox.addresses)
    page = paging.cut(found, query, _own_address())
    return _with_links(as_json(page.rows, RESULT_CONTAINER_TYPE), page.link_header)


@services.get("/services/nrps/<course_id>/memberships")
def memberships(course_id: str) -> Response:
    """The roster of a course (NRPS 2.0, section 2)."""
    _allow(SCOPE_MEMBERSHIP_READ)
    _needs_accept(MEMBERSHIP_CONTAINER_TYPE)
    query, course = once_each(request.args), _course(course_id)
    sandbox, link = the_sandbox(), None
    if "rlid" in query:
        try:
            with sandbox.store.read() as connection:
                link = links.get(connection, query["rlid"])
        except NotFoundError:
            link = None
        if link is None or link.course_id != course.id:
            raise ServiceError(404, "not_found", "rlid names no resource link of this context.")
    members = [
        roster.member(
            course, person, link, claims.substituted(person, course, link) if link else {}
        )
        for person in roster.enrolled(course, query.get("role"))
    ]
    page = paging.cut(members, query, _own_address())
    container = {
        "id": sandbox.addresses.memberships(course.id),
        "context": {"id": course.id, "label": course.label, "title": course.title},
        "members": page.rows,
    }
    return _with_links(as_json(container, MEMBERSHIP_CONTAINER_TYPE), page.link_header)


def _with_links(response: Response, link_header: str) -> Response:
    if link_header:
        response.headers["Link"] = link_header
    return response
