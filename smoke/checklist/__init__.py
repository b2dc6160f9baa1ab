"""The checklist of a migration from one Python to another: its rows, and how each stands by what is known. Pure.

A row is answered by gates of the settings that name it, by what rollouts left in the journal, or by a person. No row is shown as
done because somebody ticked it.
What must not be here: where evidence and journals are kept, and how rows are shown.
"""

from smoke.checklist.rows import ROWS, How, Row
from smoke.checklist.telling import Fact, Placed, Told, counted, facts_of, told

__all__ = ["ROWS", "Fact", "How", "Placed", "Row", "Told", "counted", "facts_of", "told"]
