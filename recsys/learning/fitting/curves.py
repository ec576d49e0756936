"""A fit's curves as TensorBoard reads them; the library is an extra, and is imported when asked for."""

from pathlib import Path
from types import TracebackType
from typing import Self

from recsys.errors import MissingExtra


class Curves:
    """An event file that stays open for as long as the fit runs."""

    def __init__(self, directory: Path, *, after: int = 0) -> None:
        """Write to `directory`; points later than epoch `after` are of a fit that was killed.

        Raises:
            MissingExtra: TensorBoard is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 optional
        except ImportError as error:
            raise MissingExtra("training logs", extra="tensorboard") from error
        self._writer = SummaryWriter(str(directory), purge_step=after + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    def add(self, epoch: int, *, loss: float, ndcg: float) -> None:
        self._writer.add_scalar("loss", loss, epoch)
        self._writer.add_scalar("validation/ndcg", ndcg, epoch)
        self._writer.flush()
