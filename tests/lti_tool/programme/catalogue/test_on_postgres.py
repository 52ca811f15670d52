"""The same on PostgreSQL: locks, replaced frameworks, drafts that become versions."""

from __future__ import annotations

from dataclasses import replace

from badges.achievements import frameworks, issuers
from badges.achievements import service as achievements
from badges.achievements.case import CaseFramework, CaseItem
from core.runtime import Runtime
from lti_tool.programme.catalogue import drafts
from lti_tool.programme.catalogue.forms import content_of
from tests.support.badges import NOW, make_district, micro_credential

READ = CaseFramework(
    "doc", "https://case.example/doc", "A framework", None,
    tuple(CaseItem(f"i{n}", f"https://case.example/i{n}", f"Words {n}.") for n in range(2500)),
)  # fmt: skip


def test_a_draft_with_picked_standards_becomes_the_next_version(runtime_pg: Runtime) -> None:
    district = make_district(runtime_pg)
    scope, lead = district.organisation.scope, district.learner.id
    with runtime_pg.database.transaction(scope) as session:
        for read in (READ, replace(READ, items=READ.items[::-1])):
            made = frameworks.bring_in(session, district.organisation, read, actor_id=lead, now=NOW)
        found = frameworks.search(session, made, "WORDS", 1)
        assert (found.count, found.items[0].identifier) == (2500, "i2499")
        draft = drafts.begin_change(session, district.version, NOW)
        again = drafts.begin_change(session, district.version, NOW)
        assert again.id == draft.id
        picked = frameworks.alignments(session, made, {found.items[0].id})
        assert drafts.align(session, draft, picked, line=None, now=NOW) == 1
    with runtime_pg.database.transaction(scope) as session:
        draft = drafts.find(session, draft.id, lock=True)
        version = drafts.publish(
            session, draft, seen=(draft.version, district.version.id), actor_id=lead, now=NOW
        )
        assert [one.url for one in achievements.micro_credential(version).alignment] == [
            "https://standards.example/3b", "https://case.example/i2499",
        ]  # fmt: skip
        assert drafts.open_drafts(session) == []
        assert content_of(micro_credential())["name"] == version.document["name"]
        changed = issuers.change(
            session, district.issuer.id, {"name": "Alder"}, seen=None, actor_id=lead, now=NOW
        )
    assert changed == ("name",)
