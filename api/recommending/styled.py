"""The style that this process makes keys in, the looks it draws, and whether both are still in force.

It is looked at wherever the rules are read again: when the pulse says that something was changed, or
when its last word is half a second old. A request that finds nothing changed pays nothing for it.
"""

from sqlalchemy import Connection

from api.recommending.briefs import Briefs
from generative import variant_store
from generative.branding import brand_store
from generative.branding.brand_store import Version
from generative.config import GenerativeConfig
from generative.style import Style, in_force
from generative.variant_store import Chosen

Look = tuple[Version | None, Chosen]


class Styled:
    """One process's; references are swapped, so a race only looks twice."""

    def __init__(self, config: GenerativeConfig) -> None:
        self._config = config
        self._kept: Version | None = None
        self.style: Style = in_force(config)
        self.briefs = Briefs(self.style.fingerprint, self.style.kit.forbidden)
        self.chosen = Chosen()

    def follow(self, reader: Connection) -> Style:
        """The style in force now, in which all keys are made from here on."""
        return self.adopt(self.look(reader))

    def look(self, reader: Connection) -> Look:
        """What the database says now; what was not changed is the same object."""
        return brand_store.refresh(reader, self._kept), variant_store.refresh(reader, self.chosen)

    def adopt(self, look: Look) -> Style:
        self._kept, self.chosen = look
        kit, version = (None, 0) if self._kept is None else (self._kept.kit, self._kept.version)
        self.style = in_force(self._config, kit, version)
        self.briefs.adopt(self.style.fingerprint, self.style.kit.forbidden)
        return self.style
