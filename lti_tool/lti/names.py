"""The standards' own names, each written once.

LTI 1.3 Core (claims, messages), Deep Linking 2.0, Submission Review 1.0, Assignment and Grade
Services 2.0 and Names and Roles 2.0 (scopes, media types), LTI Security Framework 1.0 (client
assertions). Our own custom parameters stand here as well.
"""

from __future__ import annotations

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
MESSAGE_TYPE = f"{CLAIM}message_type"
VERSION = f"{CLAIM}version"
DEPLOYMENT_ID = f"{CLAIM}deployment_id"
TARGET_LINK_URI = f"{CLAIM}target_link_uri"
RESOURCE_LINK = f"{CLAIM}resource_link"
ROLES = f"{CLAIM}roles"
CONTEXT = f"{CLAIM}context"
CUSTOM = f"{CLAIM}custom"
LAUNCH_PRESENTATION = f"{CLAIM}launch_presentation"
FOR_USER = f"{CLAIM}for_user"
AGS_ENDPOINT = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
DEEP_LINKING = "https://purl.imsglobal.org/spec/lti-dl/claim/"
DEEP_LINKING_SETTINGS = f"{DEEP_LINKING}deep_linking_settings"
NRPS_CLAIM = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"

LTI_VERSION = "1.3.0"
RESOURCE_LINK_REQUEST = "LtiResourceLinkRequest"
DEEP_LINKING_REQUEST = "LtiDeepLinkingRequest"
SUBMISSION_REVIEW_REQUEST = "LtiSubmissionReviewRequest"
DATA_PRIVACY_REQUEST = "DataPrivacyLaunchRequest"
MESSAGES = frozenset(
    {RESOURCE_LINK_REQUEST, DEEP_LINKING_REQUEST, SUBMISSION_REVIEW_REQUEST, DATA_PRIVACY_REQUEST}
)
DEEP_LINKING_RESPONSE = "LtiDeepLinkingResponse"
RESOURCE_LINK_TYPE = "ltiResourceLink"

# Custom parameters of our links: what one opens, the deep-linked item that it was made from, and
# (filled in by the platform) the links and courses that it was copied from.
CUSTOM_TARGET = "milepost"
CUSTOM_ITEM = "milepost_item"
CUSTOM_LINK_HISTORY = "milepost_link_history"
CUSTOM_CONTEXT_HISTORY = "milepost_context_history"
LINK_HISTORY_VARIABLE = "$ResourceLink.id.history"
CONTEXT_HISTORY_VARIABLE = "$Context.id.history"

SCOPE_SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
SCOPE_LINE_ITEM = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"
SCOPE_LINE_ITEM_READ = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly"
SCOPE_RESULT = "https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly"
SCOPE_MEMBERSHIPS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"

SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"
MEMBERSHIPS_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"

CANVAS_SUBMISSION = "https://canvas.instructure.com/lti/submission"

CLIENT_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

SIGNING_ALGORITHM = "RS256"
TOOL_RING = "lti"
