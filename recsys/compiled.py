"""Loops that are compiled: what numpy would do in a dozen passes over memory, done in one.

A kernel names the types that it takes, so it is compiled when its module is first imported, not at
somebody's request, and kept beside its file (or where `NUMBA_CACHE_DIR` says): seconds once on a
machine, milliseconds afterwards. Nothing checks an index inside a kernel. Whoever calls one has
checked its arrays, as `fusion.from_arrays` does where a model is read.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from numba import njit, types

P = ParamSpec("P")
Found = TypeVar("Found")

Number, Fine, Count, Truth = types.float32, types.float64, types.int64, types.boolean
Nothing = types.void


def given(of: Any, dimensions: int = 1) -> Any:
    """An array that is only read: any that is contiguous will do, mapped ones too."""
    return types.Array(of, dimensions, "C", readonly=True)


def made(of: Any, dimensions: int = 1) -> Any:
    """An array that may be written to."""
    return types.Array(of, dimensions, "C")


Floats, Matrix, Rows, Mask = (
    given(Number),
    given(Number, 2),
    given(Count),
    given(Truth),
)
Names = given(types.int32)  # rows, as SciPy names them where they are few enough

# Sums may be reordered and multiplications joined, as BLAS does; what is no number stays so.
_SUMS = {"reassoc", "contract", "nsz", "arcp"}


def kernel(*signatures: Any) -> Callable[[Callable[P, Found]], Callable[P, Found]]:
    """Compile for these types, or where none are named for those of the kernels that call it."""
    options: dict[str, Any] = {"fastmath": _SUMS, "error_model": "numpy"}

    def compiled(function: Callable[P, Found]) -> Callable[P, Found]:
        asked = list(signatures) or None
        found: Callable[P, Found]
        try:
            found = njit(asked, cache=True, **options)(function)
        except RuntimeError as error:
            if "cannot cache" not in str(error):
                raise
            found = njit(asked, **options)(function)  # nowhere to keep it: compiled at every start
        return found

    return compiled
