"""Every target there is."""

from itertools import chain

import fuzz_documents
import fuzz_expositions
import fuzz_files
import fuzz_manifests
import fuzz_meters
import fuzz_probes
import fuzz_traffic
from fuzz_run import Target

MODULES = (fuzz_documents, fuzz_expositions, fuzz_files, fuzz_manifests, fuzz_meters, fuzz_probes, fuzz_traffic)


def targets() -> tuple[Target, ...]:
    """All of them."""
    return tuple(chain.from_iterable(each.targets() for each in MODULES))
