"""Which look a slate wears, where several are approved: one draw a slate, from a table in memory.

The chance comes from the answer's own id, which nobody can foresee and everybody can read again. The
table is read where rules are read again (`styled`), so no request waits for it.
"""

from collections.abc import Mapping
from typing import Any

from api.runtime import Runtime
from generative.variants import Draw
from recsys.types import Persona

_RANDOM_PART = -12  # of an id: 48 bits that are chance alone
_OF_ALL = 16**-12


def draw(runtime: Runtime, recommendation_id: str, persona: Persona, size: str) -> Draw | None:
    """The look of this answer; None where the studio chooses by itself."""
    choices = runtime.styled.chosen.choices
    if not choices:
        return None
    luck = int(recommendation_id[_RANDOM_PART:], 16) * _OF_ALL
    return choices.draw(size, persona.label, luck)


def kept(drawn: Draw, persona: Persona, size: str, ready: int) -> Mapping[str, Any]:
    """As the ledger keeps it; `ready` is how many of the first items wore the look in truth."""
    return {
        "size": size,
        "persona": persona.label,
        "variant": drawn.variant,
        "among": drawn.among,
        "chance": drawn.chance,
        "ready": ready,
    }
