"""What a stack is made from, in one file that is read back: settings, contract, state of Pulumi, sources, locks, journal.

What services keep themselves, a database or a volume, is not in it: nobody but its own tools copies that whole.
What must not be here: how an answer is shown, and what follows from it.
"""

from smoke.backup.again import made_again
from smoke.backup.archive import Held, read_back, write
from smoke.backup.parts import about, parts_of

__all__ = ["Held", "about", "made_again", "parts_of", "read_back", "write"]
