"""Images of services: what one is made of, the folder it is built from, and how it is named, built and pushed.

Here belongs what holds for images wherever their containers run. It declares nothing by itself, and knows no target: a target
makes a ``Recipe``, has its folder assembled, and hands ``arguments`` to Pulumi.
"""

from infra.images.building import Build, arguments
from infra.images.context import ContextError, Origin, assemble
from infra.images.ground import PLUGINS, builder_faults, faults, plugin_faults
from infra.images.recipe import Recipe, base_of, dockerfile_digest, image_name
from infra.images.registry import Login, RegistryError, login
from infra.images.trying import BuildError, attempt

__all__ = [
    "PLUGINS",
    "Build",
    "BuildError",
    "ContextError",
    "Login",
    "Origin",
    "Recipe",
    "RegistryError",
    "arguments",
    "assemble",
    "attempt",
    "base_of",
    "builder_faults",
    "dockerfile_digest",
    "faults",
    "image_name",
    "login",
    "plugin_faults",
]
