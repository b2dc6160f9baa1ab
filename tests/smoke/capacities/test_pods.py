"""Pods of a cluster that a share asks for, against an API that a test puts together."""

import pytest
from cluster_said import SCALERS

from infra.contract.pods import HELD
from smoke.errors import CapacityError
from tests.smoke.capacities.conftest import Scaled


def test_nobody_takes_the_live_slots_pods_away(scaled: Scaled) -> None:
    """The autoscaler of the live slot keeps what it has, also when it grew later; freed, both have their own numbers again."""
    scaled.declare("blue", 6, 2)
    scaled.declare("green", 2, 2)
    capacity = scaled.capacity()
    capacity.hold("blue", "green", 20)
    first = scaled.least()
    scaled.cluster.scale("api-blue", 8)
    scaled.clock.sleep(2.0)
    capacity.hold("blue", "green", 50)
    second = scaled.least()
    capacity.free()

    assert (first, second, scaled.least()) == ({"blue": 6, "green": 2}, {"blue": 8, "green": 4}, {"blue": 2, "green": 2})
    assert all(HELD not in each["metadata"].get("annotations", {}) for each in scaled.cluster.objects[SCALERS].values())


def test_another_driver_goes_on_with_what_was_held(scaled: Scaled) -> None:
    """Whoever takes over raises further, and gives back what was before the first; a live slot that shrank is no measure."""
    scaled.declare("blue", 6, 2)
    scaled.declare("green", 2, 2)
    scaled.capacity().hold("blue", "green", 50)
    scaled.act()
    scaled.cluster.scale("api-blue", 1)  # somebody who does not ask
    missing = scaled.capacity().hold("blue", "green", 100)
    after = scaled.least()
    scaled.capacity().free()

    assert missing == "3 of 6 pods that 100 % ask for are ready"
    assert after == {"blue": 6, "green": 6}
    assert scaled.least() == {"blue": 2, "green": 2}


def test_less_is_never_asked_for(scaled: Scaled) -> None:
    """A candidate that has more than its share asks for keeps it, and what was asked for once is not lowered."""
    scaled.declare("blue", 4, 2)
    scaled.declare("green", 3, 3)
    capacity = scaled.capacity()
    assert capacity.hold("blue", "green", 100) is not None
    assert capacity.hold("blue", "green", 20) is None
    assert scaled.least() == {"blue": 4, "green": 4}


def test_an_autoscaler_that_may_not_have_as_many(scaled: Scaled) -> None:
    """It is named with its most, and with the setting to change; nothing of the candidate is raised."""
    scaled.declare("blue", 6, 2)
    scaled.declare("green", 2, 2, most=4)
    assert scaled.capacity().hold("blue", "green", 100) == "100 % ask for 6 pods, and api-green may have 4: autoscale.max"
    assert scaled.least() == {"blue": 6, "green": 2}


def test_without_an_autoscaler_a_person_is_asked(scaled: Scaled) -> None:
    """Where somebody scaled the live slot by hand, the command that does it for the candidate is named; nothing is written."""
    scaled.declare("blue", 5)
    scaled.declare("green", 2)
    scaled.cluster.refuses["GET " + SCALERS] = 403
    found = scaled.capacity(autoscale=False).hold("blue", "green", 50)
    assert found == "50 % ask for 3 pods, and api-green is to have 2: kubectl scale deployment api-green --replicas=3"


def test_an_answer_holds_for_a_second(scaled: Scaled) -> None:
    """The API server is not asked at every tick; another share is another question."""
    scaled.declare("blue", 4, 2)
    scaled.declare("green", 4, 2)
    capacity = scaled.capacity()
    assert capacity.hold("blue", "green", 50) is None
    scaled.cluster.refuses["GET deployments"] = 500
    scaled.clock.sleep(0.5)
    assert capacity.hold("blue", "green", 50) is None
    with pytest.raises(CapacityError):
        capacity.hold("blue", "green", 100)
    scaled.clock.sleep(1.0)
    with pytest.raises(CapacityError, match="api: its pods cannot be counted"):
        capacity.hold("blue", "green", 50)


def test_a_slot_that_is_not_there(scaled: Scaled) -> None:
    """It is named, with the command that declares it."""
    scaled.declare("blue", 2, 2)
    assert scaled.capacity().hold("blue", "green", 20) == "green has no Deployment: pulumi up"


@pytest.mark.parametrize("status", [403, 409])
def test_a_write_that_is_refused(scaled: Scaled, status: int) -> None:
    """What cannot be asked for is an error with the autoscaler's name, and nobody takes it for done."""
    scaled.declare("blue", 4, 2)
    scaled.declare("green", 2, 2)
    scaled.cluster.refuses["PATCH " + SCALERS] = status
    with pytest.raises(CapacityError, match="the autoscaler api-blue is not set to 4 pods at least") as caught:
        scaled.capacity().hold("blue", "green", 20)
    assert "forbidden" in (caught.value.cause or "")


def test_what_is_no_deployment(scaled: Scaled) -> None:
    """An answer that makes no sense is not believed."""
    scaled.declare("blue", 2, 2)
    scaled.cluster.put(
        "deployments", {"metadata": {"name": "x", "labels": {"crossfade/stack": "staging", "crossfade/service": "api"}}}
    )
    assert scaled.capacity().hold("blue", "green", 20) == "green has no Deployment: pulumi up"
    scaled.cluster.objects["deployments"]["api-blue"]["spec"] = {"replicas": "many"}
    with pytest.raises(CapacityError, match="its pods cannot be counted"):
        scaled.capacity().hold("blue", "green", 20)
