"""The made-up people and courses of the practice LMS.

Ids are small numbers as strings, as in Moodle, where the first account is the guest and the first
course is the site itself. Role names are those of LTI 1.3 Core, appendix A.2.
"""

from dataclasses import dataclass

from lti_tool.sandbox.vocabulary import (
    INSTITUTION_ADMINISTRATOR,
    MEMBERSHIP_ADMINISTRATOR,
    MEMBERSHIP_INSTRUCTOR,
    MEMBERSHIP_LEARNER,
    SYSTEM_ADMINISTRATOR,
)

PIA_SPECIMEN = "2"
WREN_SAMPLEWOOD = "3"
TEO_EXEMPEL = "4"
NOOR_PROVE = "5"
ILSE_MUSTER = "6"
ROSA_EJEMPLO = "7"

TEACHING_CIRCLE = "2"
NEW_TEACHERS = "3"
NEXT_CIRCLE = "4"


@dataclass(frozen=True)
class SandboxPerson:
    """Somebody with an account in the practice LMS.

    ``id`` is the stable ``sub`` of every launch and the ``userId`` of every score.
    """

    id: str
    given_name: str
    family_name: str
    email: str
    kind: str
    locale: str = "en"

    @property
    def name(self) -> str:
        """The full name."""
        return f"{self.given_name} {self.family_name}"

    @property
    def sourcedid(self) -> str:
        """The id of the student information system (LIS)."""
        return f"AV-{int(self.id):04d}"

    @property
    def is_administrator(self) -> bool:
        """Whether the person looks after the whole LMS."""
        return self.kind == "administrator"


@dataclass(frozen=True)
class Course:
    """A course, which LTI calls a context, with its roster.

    ``roles`` maps person ids to the one context role they hold here. A course that is ``copy_of``
    another is empty, and not shown, until that one is duplicated into it.
    """

    id: str
    label: str
    title: str
    description: str
    roles: dict[str, str]
    copy_of: str = ""

    @property
    def sourcedid(self) -> str:
        """The id of the student information system (LIS)."""
        return f"AV-COURSE-{self.id}"

    def is_learner(self, person_id: str) -> bool:
        """Whether the person is enrolled here to learn, and so has a row in the gradebook."""
        return self.roles.get(person_id) == MEMBERSHIP_LEARNER

    def leads(self, person: SandboxPerson) -> bool:
        """Whether the person may see everybody's grades."""
        return person.is_administrator or self.roles.get(person.id) == MEMBERSHIP_INSTRUCTOR

    def admits(self, person: SandboxPerson) -> bool:
        """Whether the person may open this course."""
        return person.is_administrator or person.id in self.roles

    def roles_of(self, person: SandboxPerson) -> list[str]:
        """The roles claim of a launch; an administrator has roles without being enrolled."""
        roles = [self.roles[person.id]] if person.id in self.roles else []
        if person.is_administrator:
            roles += [MEMBERSHIP_ADMINISTRATOR, INSTITUTION_ADMINISTRATOR, SYSTEM_ADMINISTRATOR]
        return roles


def _person(person_id: str, given: str, family: str, mailbox: str, kind: str) -> SandboxPerson:
    return SandboxPerson(person_id, given, family, f"{mailbox}@aldervalley.example", kind)


PEOPLE: dict[str, SandboxPerson] = {
    person.id: person
    for person in (
        _person(WREN_SAMPLEWOOD, "Wren", "Samplewood", "wren.samplewood", "teacher"),
        _person(TEO_EXEMPEL, "Teo", "Exempel", "teo.exempel", "teacher"),
        _person(NOOR_PROVE, "Noor", "Prøve", "noor.prove", "teacher"),
        _person(ILSE_MUSTER, "Ilse", "Muster", "ilse.muster", "coach"),
        _person(ROSA_EJEMPLO, "Rosa", "Ejemplo", "rosa.ejemplo", "lead"),
        _person(PIA_SPECIMEN, "Pia", "Specimen", "pia.specimen", "administrator"),
    )
}

_CIRCLE = {
    WREN_SAMPLEWOOD: MEMBERSHIP_LEARNER,
    TEO_EXEMPEL: MEMBERSHIP_LEARNER,
    NOOR_PROVE: MEMBERSHIP_LEARNER,
    ILSE_MUSTER: MEMBERSHIP_INSTRUCTOR,
    ROSA_EJEMPLO: MEMBERSHIP_INSTRUCTOR,
}
COURSES: dict[str, Course] = {
    course.id: course
    for course in (
        Course(
            TEACHING_CIRCLE,
            "AV-CIRCLE",
            "Alder Valley: Teaching circle",
            "Teachers of Alder Valley looking at each other's classroom practice.",
            _CIRCLE,
        ),
        Course(
            NEW_TEACHERS,
            "AV-NEW",
            "Alder Valley: New teachers",
            "The first two years in the classroom, with a coach.",
            {
                TEO_EXEMPEL: MEMBERSHIP_LEARNER,
                NOOR_PROVE: MEMBERSHIP_LEARNER,
                ILSE_MUSTER: MEMBERSHIP_INSTRUCTOR,
                ROSA_EJEMPLO: MEMBERSHIP_INSTRUCTOR,
            },
        ),
        Course(
            NEXT_CIRCLE,
            "AV-CIRCLE-2",
            "Alder Valley: Teaching circle, next year",
            "A copy of the teaching circle, with everything in it but people's work.",
            _CIRCLE,
            copy_of=TEACHING_CIRCLE,
        ),
    )
}
