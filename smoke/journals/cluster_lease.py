"""The lease of a stack as a cluster's own object, a Lease."""

from http import HTTPStatus

from smoke.cluster import LEASE as KIND
from smoke.cluster import STACK_LABEL
from smoke.journals.cluster_claim import Claim, claim_of
from smoke.journals.cluster_place import PATIENCE, Place
from smoke.journals.leasing import Leases
from smoke.refusal import Refused


class ClusterLease(Leases):
    """The Lease of one stack."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._name = place.named()
        super().__init__(place.clock, place.where(KIND, self._name))

    def read(self, limit: float = PATIENCE) -> Claim | None:
        """What it says; None where there is none.

        Raises:
            JournalError: the name is somebody else's.
        """
        document = self._place.found(KIND, self._name, limit)
        if document is None:
            return None
        if (document["metadata"].get("labels") or {}).get(STACK_LABEL) != self._place.stack:
            raise self._place.taken(KIND, self._name)
        return claim_of(document)

    def write(self, claim: Claim, limit: float = PATIENCE) -> Claim | None:
        """Make it say this, on condition that it is of that edition still, or is not there; None where it is not so."""
        cluster, clock = self._place.cluster, self._place.clock
        metadata = self._place.metadata(self._place.labels(), writer=claim.writer())
        document = {"metadata": metadata, "spec": claim.spec(clock.now(), clock.wall())}
        if claim.edition:
            metadata["resourceVersion"] = claim.edition
        write = cluster.patch if claim.edition else cluster.create
        try:
            return claim_of(self._place.patiently(lambda: write(KIND, self._name, document), limit))
        except Refused as error:
            gone = bool(claim.edition) and error.status == HTTPStatus.NOT_FOUND
            if error.status == HTTPStatus.CONFLICT or gone:
                return None
            raise
