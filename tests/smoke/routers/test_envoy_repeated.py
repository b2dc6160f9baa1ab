"""The proxy keeps the older version of a document that changes nothing: whoever repeats a write must not wait for the newer."""

import json

import pytest

from infra.contract import route_document
from smoke.errors import RouterError
from smoke.routers import router
from tests.smoke.routers.envoy_harness import Envoy

pytestmark = pytest.mark.processes
BACK = {"blue": 100, "green": 0}


def test_what_was_written_while_nobody_could_be_asked_is_confirmed_later(envoy: Envoy) -> None:
    """Written twice while the admin was gone, weights are in force, and are confirmed by the first write once it is back."""
    mine, hidden = router(envoy.router), envoy.admin.with_name("hidden.sock")
    mine.write({"blue": 80, "green": 20})
    envoy.admin.rename(hidden)
    for _ in range(2):
        with pytest.raises(RouterError, match="written, not confirmed"):
            mine.write(BACK)
    hidden.rename(envoy.admin)
    mine.write(BACK)

    assert mine.read() == BACK


def test_going_back_to_what_is_served_is_confirmed(envoy: Envoy) -> None:
    """Where the file says other weights than the proxy serves, and never saw, those that it serves can be written."""
    mine = router(envoy.router)
    mine.write(BACK)
    unseen = route_document(envoy.service, {"blue": 80, "green": 20}, version="5")
    envoy.file.write_text(json.dumps(unseen))  # in its place: the proxy looks for files that are moved there
    mine.write(BACK)

    assert mine.read() == BACK
