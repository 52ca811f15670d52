"""Columns of a gradebook over real HTTP: paging, other sites, and what may be asked for."""

from __future__ import annotations

from typing import Any

import pytest

from core.outbox import DeliveryError
from lti_tool.lti.platforms import KnownPlatform, Platforms
from lti_tool.lti.services.line_items import ItemWanted, LineItems
from lti_tool.lti.services.shared import Services
from tests.lti_tool.lti.services.conftest import Scene
from tests.support.local_http import Answer
from tests.support.platforms.base import AGS_SCOPES

WANTED = ItemWanted("Questions", 100, resource_link_id="link-1")
SCOPES = frozenset(AGS_SCOPES)


def service(scene: Scene) -> tuple[LineItems, KnownPlatform]:
    from keys.shared import ring_of

    made = Services.make(scene.runtime, ring_of(scene.runtime))
    platform = Platforms(scene.runtime.database).get(scene.installation.platform_id)
    assert platform is not None
    return made.line_items, platform


def test_ours_is_found_on_a_later_page_behind_curly_links(moodle: Scene) -> None:
    for number in range(7):
        moodle.platform.add_item(f"Other {number}", resource_link_id="link-1")
    ours = moodle.platform.add_item("Ours", resource_link_id="link-1", tag="milepost")
    items, platform = service(moodle)
    found = items.find_or_create(platform, moodle.platform.items_url(), SCOPES, WANTED)
    assert found.url == moodle.platform.item_url(ours)
    assert not found.made
    listings = [one for one in moodle.platform.server.requests if one.path.endswith("/lineitems")]
    assert len(listings) == 3
    assert all(one.query["resource_link_id"] == ["link-1"] for one in listings)


def test_a_platform_that_ignores_the_filter_does_not_mislead(standard: Scene) -> None:
    standard.platform.add_item("Another link's", resource_link_id="link-2")
    rows = [standard.platform.item_json(item) for item in standard.platform.items]
    standard.platform.answers["/items"] = [standard.platform.json(rows)]
    items, platform = service(standard)
    assert items.find(platform, standard.platform.items_url(), SCOPES, WANTED) is None


@pytest.mark.parametrize("to", ["https://elsewhere.example/items?page=2", "{url}/items?from=0"])
def test_a_list_that_leads_elsewhere_or_round_makes_no_second_column(
    standard: Scene, to: str
) -> None:
    standard.platform.links["next"] = to.format(url=standard.platform.server.url)
    items, platform = service(standard)
    with pytest.raises(DeliveryError, match="cannot be read"):
        items.find_or_create(platform, standard.platform.items_url(), SCOPES, WANTED)
    assert standard.platform.items == []
    hosts = {one.headers["host"] for one in standard.platform.server.requests}
    assert hosts == {standard.platform.server.url.removeprefix("http://")}


def test_made_read_changed_and_removed(standard: Scene) -> None:
    items, platform = service(standard)
    made = items.create(platform, standard.platform.items_url(), WANTED)
    assert made.made
    assert items.update(platform, made.url, was=("Questions", 100), now=("Better", 20))
    item = items.read(platform, made.url)
    assert item is not None
    assert (item["label"], item["scoreMaximum"]) == ("Better", 20)
    items.delete(platform, made.url)
    assert standard.platform.items == []
    standard.platform.answers["/items/1/lineitem"] = [Answer(404), Answer(404), Answer(404)]
    assert items.read(platform, made.url) is None
    assert not items.update(platform, made.url, was=("Better", 20), now=("Best", 20))
    items.delete(platform, made.url)


@pytest.mark.parametrize(
    "values",
    [
        {"maximum": 0, "resource_link_id": "1"}, {"maximum": -1, "resource_link_id": "1"},
        {"maximum": float("nan"), "resource_link_id": "1"}, {"maximum": 10},
    ],
)  # fmt: skip
def test_columns_that_cannot_be(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="column"):
        ItemWanted("Questions", **values)
