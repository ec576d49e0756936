"""What an answer had to do without, in the order it was noticed."""


class Degraded:
    def __init__(self) -> None:
        self._missing: dict[str, None] = {}

    def add(self, what: str) -> None:
        self._missing[what] = None

    def __contains__(self, what: str) -> bool:
        return what in self._missing

    def as_list(self) -> list[str]:
        return list(self._missing)
