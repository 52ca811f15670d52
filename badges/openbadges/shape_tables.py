"""What each class of Open Badges 3.0 may hold, as tables (specification appendix B).

A member is described by a kind: a scalar's name, an enumeration, or a class; `many` says that
it is always an array.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

TEXT, URI, MOMENT, DATE, NUMBER, BOOLEAN = "text", "uri", "moment", "date", "number", "boolean"
LANGUAGE, JWS, ANY = "language", "jws", "any"

EXTENSION = re.compile(r"ext:[A-Za-z0-9._|-]+")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


ENUMERATIONS: Mapping[str, frozenset[str]] = {
    "achievementType": _names(
        "Achievement ApprenticeshipCertificate Assessment Assignment AssociateDegree Award Badge "
        "BachelorDegree Certificate CertificateOfCompletion Certification CommunityService "
        "Competency Course CoCurricular Degree Diploma DoctoralDegree Fieldwork "
        "GeneralEducationDevelopment JourneymanCertificate LearningProgram License Membership "
        "ProfessionalDoctorate QualityAssuranceCredential MasterCertificate MasterDegree "
        "MicroCredential ResearchDoctorate SecondarySchoolDiploma"
    ),
    "targetType": _names(
        "ceasn:Competency ceterms:Credential CFItem CFRubric CFRubricCriterion "
        "CFRubricCriterionLevel CTDL"
    ),
    "resultType": _names(
        "GradePointAverage LetterGrade Percent PerformanceLevel PredictedScore RawScore Result "
        "RubricCriterion RubricCriterionLevel RubricScore ScaledScore Status"
    ),
    "identifierType": _names(
        "name sourcedId systemId productId userName accountId emailAddress "
        "nationalIdentityNumber isbn issn lisSourcedId oneRosterSourcedId sisSourcedId "
        "ltiContextId ltiDeploymentId ltiToolId ltiPlatformId ltiUserId identifier"
    ),
    "status": _names("Completed Enrolled Failed InProgress OnHold Provisional Withdrew"),
}
# The result's status alone cannot be extended.
CLOSED = frozenset({"status"})


@dataclass(frozen=True, slots=True)
class Member:
    """One member: its kind (scalar, `enum:name` or a class), and how many it may be."""

    kind: str
    required: bool = False
    many: bool = False
    compactable: bool = False


@dataclass(frozen=True, slots=True)
class Class:
    """A class: the types that must be among its own, its members, and whether more may stand."""

    types: tuple[frozenset[str], ...]
    members: Mapping[str, Member]
    single_type: bool = False
    closed: bool = False
    untyped: bool = False


def _members(spec: str) -> dict[str, Member]:
    """Read `name kind` lines; `!` marks required, `*` an array, `~` an array or its one item."""
    result = {}
    for line in spec.split("\n"):
        if line.strip():
            name, kind = line.split()
            result[name.strip("!*~")] = Member(
                kind, required="!" in name, many="*" in name, compactable="~" in name
            )
    return result


def _class(*types: str, spec: str, single: bool = False, closed: bool = False) -> Class:
    wanted = tuple(frozenset(name.split("|")) for name in types)
    return Class(wanted, _members(spec), single, closed, untyped=not types)


_CREDENTIAL = """
id! uri
issuer! ProfileRef
validFrom! moment
validUntil moment
awardedDate moment
proof~ Proof
credentialSchema~ CredentialSchema
credentialStatus CredentialStatus
refreshService RefreshService
termsOfUse~ TermsOfUse
description text
"""

CLASSES: Mapping[str, Class] = {
    "AchievementCredential": _class(
        "VerifiableCredential",
        "AchievementCredential|OpenBadgeCredential",
        spec=_CREDENTIAL
        + """
name text
image Image
credentialSubject! AchievementSubject
endorsement* EndorsementCredential
endorsementJwt* jws
evidence* Evidence
""",
    ),
    "EndorsementCredential": _class(
        "VerifiableCredential",
        "EndorsementCredential",
        spec=_CREDENTIAL
        + """
name! text
credentialSubject! EndorsementSubject
""",
    ),
    "BitstringStatusListCredential": _class(
        "VerifiableCredential",
        "BitstringStatusListCredential",
        spec="""
id! uri
issuer! ProfileOrThing
validFrom moment
validUntil moment
proof~ Proof
credentialSubject! BitstringStatusList
""",
    ),
    "BitstringStatusList": _class(
        "BitstringStatusList",
        spec="""
id uri
encodedList! text
""",
    ),
    "AchievementSubject": _class(
        "AchievementSubject",
        spec="""
id uri
activityEndDate moment
activityStartDate moment
creditsEarned number
achievement! Achievement
identifier* IdentityObject
image Image
licenseNumber text
narrative text
result* Result
role text
source Profile
term text
""",
    ),
    "IdentityObject": _class(
        "IdentityObject",
        single=True,
        closed=True,
        spec="""
hashed! boolean
identityHash! text
identityType! enum:identifierType
salt text
""",
    ),
    "Evidence": _class(
        "Evidence",
        spec="""
id uri
narrative text
name text
description text
genre text
audience text
""",
    ),
    "Achievement": _class(
        "Achievement",
        spec="""
id! uri
alignment* Alignment
achievementType enum:achievementType
creator Profile
creditsAvailable number
criteria! Criteria
description! text
endorsement* EndorsementCredential
endorsementJwt* jws
fieldOfStudy text
humanCode text
image Image
inLanguage language
name! text
otherIdentifier* IdentifierEntry
related* Related
resultDescription* ResultDescription
specialization text
tag* text
version text
""",
    ),
    "Alignment": _class(
        "Alignment",
        spec="""
targetCode text
targetDescription text
targetName! text
targetFramework text
targetType enum:targetType
targetUrl! uri
""",
    ),
    "Criteria": _class(
        spec="""
id uri
narrative text
"""
    ),
    "IdentifierEntry": _class(
        "IdentifierEntry",
        single=True,
        closed=True,
        spec="""
identifier! text
identifierType! enum:identifierType
""",
    ),
    "Proof": _class(
        spec="""
type! text
created moment
cryptosuite text
challenge text
domain text
nonce text
proofPurpose text
proofValue text
verificationMethod uri
"""
    ),
    "RefreshService": _class(
        spec="""
id! uri
type! text
"""
    ),
    "CredentialStatus": _class(
        spec="""
id! uri
type! text
"""
    ),
    "CredentialSchema": _class(
        spec="""
id! uri
type! text
"""
    ),
    "TermsOfUse": _class(
        spec="""
id uri
type! text
"""
    ),
    "Image": _class(
        "Image",
        single=True,
        closed=True,
        spec="""
id! uri
caption text
""",
    ),
    "EndorsementSubject": _class(
        "EndorsementSubject",
        spec="""
id! uri
endorsementComment text
""",
    ),
    "Result": _class(
        "Result",
        spec="""
achievedLevel uri
alignment* Alignment
resultDescription uri
status enum:status
value text
""",
    ),
    "ResultDescription": _class(
        "ResultDescription",
        spec="""
id! uri
alignment* Alignment
allowedValue* text
name! text
requiredLevel uri
requiredValue text
resultType! enum:resultType
rubricCriterionLevel* RubricCriterionLevel
valueMax text
valueMin text
""",
    ),
    "RubricCriterionLevel": _class(
        "RubricCriterionLevel",
        spec="""
id! uri
alignment* Alignment
description text
level text
name! text
points text
""",
    ),
    "Related": _class(
        "Related",
        spec="""
id! uri
inLanguage language
version text
""",
    ),
    "Profile": _class(
        "Profile",
        spec="""
id! uri
name text
url uri
phone text
description text
endorsement* EndorsementCredential
endorsementJwt* jws
image Image
email text
address Address
otherIdentifier* IdentifierEntry
official text
parentOrg Profile
familyName text
givenName text
additionalName text
patronymicName text
honorificPrefix text
honorificSuffix text
familyNamePrefix text
dateOfBirth date
""",
    ),
    "Address": _class(
        "Address",
        spec="""
addressCountry text
addressCountryCode text
addressRegion text
addressLocality text
streetAddress text
postOfficeBoxNumber text
postalCode text
geo GeoCoordinates
""",
    ),
    "GeoCoordinates": _class(
        "GeoCoordinates",
        single=True,
        spec="""
latitude! number
longitude! number
""",
    ),
}
