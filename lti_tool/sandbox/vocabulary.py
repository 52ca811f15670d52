"""Names from the standards, each written once.

LTI 1.3 Core (claims, roles), AGS 2.0 and NRPS 2.0 (scopes, media types), OpenID Connect Core 1.0.
"""

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
AGS_CLAIM = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS_CLAIM = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
PLATFORM_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-platform-configuration"
TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
CANVAS_EXTENSION = "https://canvas.instructure.com/lti/"

RESOURCE_LINK_REQUEST = "LtiResourceLinkRequest"
DEEP_LINKING_REQUEST = "LtiDeepLinkingRequest"
DEEP_LINKING_RESPONSE = "LtiDeepLinkingResponse"
SUBMISSION_REVIEW_REQUEST = "LtiSubmissionReviewRequest"
DATA_PRIVACY_REQUEST = "DataPrivacyLaunchRequest"
DL_CLAIM = "https://purl.imsglobal.org/spec/lti-dl/claim/"
RESOURCE_LINK_TYPE = "ltiResourceLink"
LTI_VERSION = "1.3.0"

_ROLE = "http://purl.imsglobal.org/vocab/lis/v2/"
MEMBERSHIP = f"{_ROLE}membership#"
MEMBERSHIP_LEARNER = f"{MEMBERSHIP}Learner"
MEMBERSHIP_INSTRUCTOR = f"{MEMBERSHIP}Instructor"
MEMBERSHIP_ADMINISTRATOR = f"{MEMBERSHIP}Administrator"
INSTITUTION_ADMINISTRATOR = f"{_ROLE}institution/person#Administrator"
SYSTEM_ADMINISTRATOR = f"{_ROLE}system/person#Administrator"
COURSE_SECTION = f"{_ROLE}course#CourseSection"

_AGS_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SCOPE_LINE_ITEM = f"{_AGS_SCOPE}lineitem"
SCOPE_LINE_ITEM_READ = f"{_AGS_SCOPE}lineitem.readonly"
SCOPE_RESULT_READ = f"{_AGS_SCOPE}result.readonly"
SCOPE_SCORE = f"{_AGS_SCOPE}score"
SCOPE_MEMBERSHIP_READ = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
AGS_SCOPES = (SCOPE_LINE_ITEM, SCOPE_LINE_ITEM_READ, SCOPE_RESULT_READ, SCOPE_SCORE)
ALL_SCOPES = (*AGS_SCOPES, SCOPE_MEMBERSHIP_READ)

LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEM_CONTAINER_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
RESULT_CONTAINER_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"
MEMBERSHIP_CONTAINER_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"

ACTIVITY_PROGRESS = ("Initialized", "Started", "InProgress", "Submitted", "Completed")
FULLY_GRADED = "FullyGraded"
GRADING_PROGRESS = (FULLY_GRADED, "Pending", "PendingManual", "Failed", "NotReady")

CLIENT_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
