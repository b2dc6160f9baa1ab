"""What a probe says where a cluster's API does not tell it what there is."""

from collections.abc import Iterator
from contextlib import contextmanager

from smoke.probes.sight import untold
from smoke.refusal import Refused, Unreached


@contextmanager
def telling(kinds: str) -> Iterator[None]:
    """To list these kinds of objects, and to read them.

    Raises:
        Concluded: that cannot be done; nothing is known.
    """
    try:
        yield
    except Unreached as error:
        raise untold(str(error)) from error
    except Refused as error:
        raise untold(f"the API server refuses to list {kinds}: {error}") from error
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise untold(f"the API server answers what are no {kinds}: {error!r}") from error
