"""The sample district's micro-credentials, in the form that a programme lead would write them."""

from __future__ import annotations

from typing import Any

ORGANISATION = {"name": "Alder Valley Schools", "slug": "alder-valley", "timezone": "Europe/Vienna"}
ISSUER = {
    "slug": "alder-valley",
    "name": "Alder Valley Schools",
    "url": "https://aldervalley.example",
    "email": "learning@aldervalley.example",
    "description": "A made-up district that recognises what its teachers learn.",
}
LEVEL_NAMES = ("Beginning", "Developing", "Secure", "Extending")


def _criterion(key: str, name: str, question: str, *descriptors: str) -> dict[str, Any]:
    return {
        "id": key,
        "name": name,
        "description": question,
        "required_level": 3,
        "levels": [
            {"id": f"{key}-{number}", "name": label, "description": text}
            for number, (label, text) in enumerate(zip(LEVEL_NAMES, descriptors, strict=True), 1)
        ],
    }


def _evidence(key: str, kind: str, title: str, text: str, least: int, most: int) -> dict[str, Any]:
    return {
        "id": key,
        "kind": kind,
        "title": title,
        "help": text,
        "minimum": least,
        "maximum": most,
        "required": True,
    }


QUESTIONS_THAT_OPEN: dict[str, Any] = {
    "name": "Questions That Open",
    "competency": "The teacher asks questions that make pupils think, and builds on their answers.",
    "description": "You plan questions that ask for thinking, give pupils time, and let their"
    " answers change what happens next.",
    "method": "Choose a lesson in the next two weeks. Plan at least three questions that ask pupils"
    " to explain, compare or predict, and decide where in the lesson they matter.\n\nWait three"
    " seconds before and after each answer. Give everybody a way to answer: a whiteboard, a"
    " partner, a note.\n\nAfterwards write down one answer in a pupil's own words, what it showed"
    " you, and what you did because of it.",
    "research": [
        {
            "title": "Rowe, M. B. (1986). Wait time: slowing down may be a way of speeding up!"
            " Journal of Teacher Education 37(1).",
            "url": "https://doi.org/10.1177/002248718603700110",
        }
    ],
    "minutes": 360,
    "level": "practitioner",
    "evidence_asked": [
        _evidence("plan", "lesson_plan", "Lesson plan", "Mark the questions you planned.", 1, 2),
        _evidence(
            "work",
            "student_work",
            "Pupil work",
            "One or more pieces that answer one of your questions. Cover or crop names.",
            1,
            6,
        ),
        _evidence(
            "reflection",
            "reflection",
            "Reflection",
            "What did one pupil say, and what did you do next? No full names, please: a first"
            " letter is enough.",
            40,
            900,
        ),
    ],
    "rubric": {
        "criteria": [
            _criterion(
                "planned",
                "Planned questions",
                "Do the questions ask for thinking?",
                "Questions ask for recall only.",
                "Some questions ask for reasons.",
                "At least three questions ask pupils to explain, compare or predict, and are"
                " placed where they change the lesson.",
                "Pupils' own questions steer part of the lesson.",
            ),
            _criterion(
                "building",
                "Building on answers",
                "What happens to an answer once it has been given?",
                "Answers are judged right or wrong.",
                "Some answers are repeated or rephrased.",
                "Answers are taken up, compared and connected by the class.",
                "Pupils take up one another's ideas unprompted.",
            ),
            _criterion(
                "reflection",
                "Reflection",
                "Does a pupil's answer change the teaching?",
                "Tells what happened.",
                "Names what went well or did not.",
                "Quotes a pupil's answer, says what it showed, and what changed because of it.",
                "Connects several answers to a next unit of work.",
            ),
        ]
    },
    "review": {"kind": "peer", "k": 2, "blindness": "double"},
    "image": {"template": "dialogue", "primary": "#0f5a63", "accent": "#f3b61f"},
    "criteria_narrative": "Plan and teach a lesson around questions that ask for thinking, show"
    " what pupils answered, and reflect on what changed. Two colleagues read the evidence against"
    " the rubric; every criterion must reach Secure.",
    "tags": ["questioning", "formative assessment"],
    "alignment": [],
    "validity": None,
}

NOTICING: dict[str, Any] = {
    "name": "Noticing Student Thinking",
    "competency": "The teacher notices what pupils understand while they work, and writes it down"
    " so that it can be used.",
    "description": "You watch pupils work on one task, note what their words and marks show, and"
    " choose one next step from it.",
    "method": "Pick one task and three pupils. While they work, note what they say and do, not what"
    " you think of it. Later, sort your notes: what do they understand, what not yet, what puzzles"
    " you?\n\nShare the notes with a colleague and decide on one next step.",
    "research": [
        {
            "title": "Jacobs, V. R., Lamb, L. L. C., Philipp, R. A. (2010). Professional noticing"
            " of children's mathematical thinking. Journal for Research in Mathematics Education"
            " 41(2).",
            "url": "https://doi.org/10.5951/jresematheduc.41.2.0169",
        }
    ],
    "minutes": 180,
    "level": "foundational",
    "evidence_asked": [
        _evidence(
            "notes",
            "observation",
            "Your notes",
            "A photo or file of what you wrote while pupils worked, or a link to it.",
            1,
            4,
        ),
        _evidence(
            "reflection",
            "reflection",
            "Reflection",
            "What did you notice, and which next step did you choose from it?",
            30,
            600,
        ),
    ],
    "rubric": {
        "criteria": [
            _criterion(
                "attending",
                "Attending",
                "Do the notes show what pupils said and did?",
                "Notes judge rather than describe.",
                "Notes describe some of what was said or done.",
                "Notes quote pupils' words or marks, for each of the three.",
                "Notes also show how a pupil's thinking moved during the task.",
            ),
            _criterion(
                "deciding",
                "Deciding what is next",
                "Does the next step come from what was noticed?",
                "No next step is named.",
                "A next step is named that would suit any class.",
                "The next step answers something that was noticed.",
                "Different next steps answer different pupils' thinking.",
            ),
        ]
    },
    "review": {"kind": "coach", "k": 1, "blindness": "open"},
    "image": {"template": "lantern", "primary": "#2c4d8c", "accent": "#f3b61f"},
    "criteria_narrative": "Watch three pupils at work on one task, keep notes of what they say and"
    " do, and choose a next step from what you noticed. A coach reads the notes against the rubric;"
    " every criterion must reach Secure.",
    "tags": ["noticing", "formative assessment"],
    "alignment": [],
    "validity": None,
}

PLANNING: dict[str, Any] = {
    "name": "Planning from What Students Already Know",
    "competency": "The teacher finds out what pupils already think before teaching a topic, and"
    " plans lessons that start there.",
    "description": "You find out what pupils think before a unit, sort what you find, and change at"
    " least two lessons because of it.",
    "method": "Before a unit, find out what each pupil knows with a task that shows thinking, not"
    " only answers. Sort what you find. Change at least two lessons because of it, teach them, and"
    " show what became different.",
    "research": [
        {
            "title": "Black, P., Wiliam, D. (1998). Assessment and classroom learning. Assessment"
            " in Education 5(1).",
            "url": "https://doi.org/10.1080/0969595980050102",
        }
    ],
    "minutes": 720,
    "level": "practitioner",
    "evidence_asked": [
        _evidence(
            "plans",
            "link",
            "Two lesson plans",
            "Links to the plans as they were and as they became.",
            1,
            4,
        ),
        _evidence(
            "reflection",
            "reflection",
            "Reflection",
            "What did pupils already think, and what became different because you asked?",
            30,
            900,
        ),
    ],
    "rubric": {
        "criteria": [
            _criterion(
                "asks",
                "Asks before telling",
                "Does the first task show thinking?",
                "The task can be answered by recall.",
                "The task shows answers, little of the thinking.",
                "The task shows what pupils think and why.",
                "Pupils themselves name what they are unsure of.",
            ),
            _criterion(
                "plans",
                "Plans from what was found",
                "Do the lessons start where pupils are?",
                "The plan stays as it was.",
                "Small changes, not tied to what was found.",
                "At least two lessons change because of what was found.",
                "The unit offers different ways in for what different pupils think.",
            ),
        ]
    },
    "review": {"kind": "coach", "k": 1, "blindness": "open"},
    "image": {"template": "compass", "primary": "#1c6840", "accent": "#f3b61f"},
    "criteria_narrative": "Before a unit, find out what each pupil knows with a task that shows"
    " thinking. Change at least two lessons because of it, teach them, and show what became"
    " different. A coach reads the evidence against the rubric.",
    "tags": ["planning", "prior knowledge"],
    "alignment": [],
    "validity": "P3Y",
}

MICRO_CREDENTIALS = (QUESTIONS_THAT_OPEN, NOTICING, PLANNING)

EARNED_REFLECTION = (
    "Before the unit on fractions I asked everybody to draw where three quarters lives, and to"
    " write why. Eleven drew it between three and four. I had planned to begin with adding; instead"
    " the first two lessons became about the number line, with the pupils' own drawings to compare."
    " Afterwards all but two could place and argue for five fractions of their own choice."
)
EARNED_LINK = "https://aldervalley.example/plans/fractions-before-and-after"
