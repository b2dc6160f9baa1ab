"""From the inputs of a slot to the recipe of its image. Pure."""

from infra.images import Recipe
from infra.release import Inputs


def recipe_of(inputs: Inputs) -> Recipe:
    """What the image of these inputs is made from."""
    return Recipe(**{name: str(inputs[name]) for name in ("runtime", "source", "lock", "dockerfile", "base")})
