"""What the search chooses among: every template, light or dark, as it stands or mirrored."""

from dataclasses import dataclass

from generative.banner.templates import NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One candidate of the search: a template, light or dark, as it stands or mirrored."""

    template: str
    dark: bool = False
    mirrored: bool = False

    @property
    def name(self) -> str:
        tail = "-mirrored" if self.mirrored else ""
        return f"{self.template}-{'dark' if self.dark else 'light'}{tail}"


CHOICES = tuple(
    Choice(template=template, dark=dark, mirrored=mirrored)
    for template in NAMES
    for dark in (False, True)
    for mirrored in (False, True)
)


def asked(variant: str) -> tuple[Choice, ...]:
    """The candidates that a brief's variant leaves: `bold`, `bold-dark`, `bold-dark-mirrored`.

    An unknown name leaves all: a banner must not fail because a template was renamed.
    """
    template, *rest = variant.split("-")
    if template not in NAMES:
        return CHOICES
    return tuple(
        choice
        for choice in CHOICES
        if choice.template == template
        and ("dark" not in rest or choice.dark)
        and ("light" not in rest or not choice.dark)
        and ("mirrored" not in rest or choice.mirrored)
    )
