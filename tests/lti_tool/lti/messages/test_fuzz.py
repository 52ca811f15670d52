"""Messages and forms of every shape: never a 500, never somebody else's data in the answer."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lti_tool.lti import names
from lti_tool.lti.deep_linking.models import DeepLinkItem
from tests.lti_tool.lti.messages.school import AGS, DL, NRPS, School
from tests.support.hostile_platform import ABSENT, CLAIM, INSTRUCTOR, LEARNER

ODD = st.text(
    alphabet=st.characters(exclude_categories=()), max_size=20
) | st.sampled_from(["$ResourceLink.id.history", "javascript:alert(1)", "https://lms.example/x",
                     "link-1,course-1", "true", "\x00", "micro-credential/x"])  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD, inner, max_size=3),
    max_leaves=6,
)
ABSENT_OR = st.just(ABSENT) | JSON
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "deep_link_return_url": JSON | st.just("https://lms.example/back"),
        "accept_types": JSON | st.just(["ltiResourceLink"]),
        "accept_presentation_document_targets": JSON | st.just(["iframe"]),
        "accept_multiple": JSON,
        "accept_lineitem": JSON,
        "data": JSON,
    },
)
PARAMETERS = (
    names.CUSTOM_TARGET,
    names.CUSTOM_ITEM,
    names.CUSTOM_LINK_HISTORY,
    names.CUSTOM_CONTEXT_HISTORY,
)
CUSTOM = st.fixed_dictionaries({}, optional=dict.fromkeys(PARAMETERS, JSON))


@settings(max_examples=120)
@given(
    message=st.sampled_from(sorted(names.MESSAGES)) | JSON,
    roles=st.sampled_from([LEARNER, INSTRUCTOR]),
    asked=SETTINGS | JSON,
    about=ABSENT_OR | st.just({"user_id": "7"}),
    endpoint=ABSENT_OR | st.just({"lineitem": "https://lms.example/1"}),
    custom=ABSENT_OR | CUSTOM,
    roster=ABSENT_OR,
    without=st.sets(st.sampled_from(["context", "resource_link"])),
)
def test_no_message_breaks_the_launch(
    school: School, message: Any, roles: str, asked: Any, about: Any, endpoint: Any,
    custom: Any, roster: Any, without: set[str],
) -> None:  # fmt: skip
    claims = {
        f"{DL}deep_linking_settings": asked, f"{CLAIM}for_user": about, AGS: endpoint,
        NRPS: roster, "custom": custom, "message_type": message,
        **dict.fromkeys(without, ABSENT),
    }  # fmt: skip
    visit = school.launch(roles, **claims)
    status = visit.answer.status_code
    assert status in (303, 400, 401, 403), visit.answer.get_data(as_text=True)
    if status == 303:
        assert visit.open().status_code < 500


@settings(max_examples=60)
@given(
    fields=st.lists(
        st.tuples(
            st.sampled_from(["choice", "title-0", "maximum-0", "shown_in-0", "opens_at-0",
                             "closes_at-0", "due_from-0", "due_until-0", "title-1", "data"]),
            ODD | st.just("queue") | st.just("home"),
        ),
        max_size=8,
    ),
    path=st.sampled_from(["/pick", "/pick/add"]),
)  # fmt: skip
def test_no_form_breaks_the_picker(school: School, fields: Any, path: str) -> None:
    usable = [(name, value.encode("utf-8", "replace").decode()) for name, value in fields]
    before = len(school.rows(DeepLinkItem))
    page = school.pick(settings={"data": "mine"}).post(path, usable)
    assert page.status_code in (200, 422), page.get_data(as_text=True)
    if 'name="JWT"' in page.get_data(as_text=True):
        assert school.content_items(page)[1][f"{DL}data"] == "mine"
    else:
        assert len(school.rows(DeepLinkItem)) == before
