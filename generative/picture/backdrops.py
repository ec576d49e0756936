"""What is put behind a product: the one entry to every painter, in the configured order.

`library` takes the shop's own pictures, `flow` and `gan` are trained on them, `scene` asks a
diffusers pipeline; `procedural` leaves it to the template, which paints its own ground. Painters
that need torch are loaded by name. A painter that cannot help is passed over; which one painted is said with the picture.
"""

import pkgutil
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from generative.branding.brand import BrandKit
from generative.config import GenerativeConfig
from generative.errors import ProviderUnavailable
from generative.picture.backdrop import blend
from generative.picture.palette import Palette

PROCEDURAL = "procedural"
TRAINED = ("flow", "gan", "scene")  # what they paint was learned from pictures: it is marked so
_PAINTERS = {
    "library": "generative.picture.library:paint",
    "flow": "generative.picture.trained:paint_flow",
    "gan": "generative.picture.trained:paint_gan",
    "scene": "generative.picture.scene:paint",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a painter is asked for: `size` in pixels, `subject` in plain words of the catalogue.

    `product` is the cut-out as it will stand, RGBA and as large as the canvas, for painters that
    set a scene around it; the banner lays it, with its shadow, over whatever they paint. None where
    the product stands on something else, or was not cut out.
    """

    palette: Palette
    kit: BrandKit
    size: tuple[int, int]
    seed: int
    dark: bool = False
    subject: str = ""
    product: Image.Image | None = None

    @property
    def own(self) -> Palette:
        """The product's palette turned towards the shop's."""
        return blend(self.palette, self.kit.color, self.kit.paper)


class Painter(Protocol):
    def __call__(self, wish: Wish, config: GenerativeConfig) -> tuple[Image.Image, str]:
        """The picture, RGB and of the size wished for, and what it is from, e.g. a hash.

        Raises:
            ProviderUnavailable: It cannot paint here or this; the message says why.
        """
        ...


class Paint(Protocol):
    """What a layout asks: a backdrop for a palette, and who painted it; None leaves it to a template."""

    def __call__(
        self,
        palette: Palette,
        size_px: tuple[int, int],
        *,
        dark: bool = False,
        product: Image.Image | None = None,
    ) -> tuple[Image.Image | None, str]: ...


def bound(kit: BrandKit, seed: int, config: GenerativeConfig, *, subject: str = "") -> Paint:
    """`paint` with all but what the layout decides."""

    def painted(
        palette: Palette,
        size_px: tuple[int, int],
        *,
        dark: bool = False,
        product: Image.Image | None = None,
    ) -> tuple[Image.Image | None, str]:
        wish = Wish(
            palette=palette,
            kit=kit,
            size=size_px,
            seed=seed,
            dark=dark,
            subject=subject,
            product=product,
        )
        return paint(wish, config)

    return painted


def paint(wish: Wish, config: GenerativeConfig) -> tuple[Image.Image | None, str]:
    """A backdrop and who painted it: `library:<hash>`, `flow:<hash>`, …; None and `procedural`.

    The same wish gives the same pixels while the library and the weights stay what they are.
    """
    for name in config.backdrops:
        if name == PROCEDURAL:
            break
        try:
            image, source = painter(name)(wish, config)
        except ProviderUnavailable:
            continue
        return image, f"{name}:{source}"
    return None, PROCEDURAL


def painter(name: str) -> Painter:
    """A painter by its name, or by `package.module:attribute` for one of the shop's own.

    Raises:
        ValueError: Nothing of that name can be loaded.
    """
    try:
        found: Painter = pkgutil.resolve_name(_PAINTERS.get(name, name))
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"VITRINE_BACKDROPS: nothing is called {name!r}: {error}") from error
    return found


def is_trained(method: str) -> bool:
    """Whether a model trained on pictures painted what `paint` called `method`."""
    return method.partition(":")[0] in TRAINED
