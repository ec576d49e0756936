"""What can go wrong in the recommender, named after what happened.

RecsysError
 ├── UnknownItem          an id that the catalogue does not hold
 ├── InvalidEvent         an event that cannot be read: names the field
 ├── InvalidItem          an item that cannot be read: names the field
 ├── InvalidExpression    a filter or boost that cannot be read: names the place and what to write
 ├── InvalidSteering      a rule, placement or preset that cannot be meant: names the field
 ├── UnknownSteering      a rule, placement, preset or change that nobody has written
 ├── SteeringConflict     somebody else has changed it meanwhile
 ├── InvalidExperiment    an experiment that could not be drawn from: names the field
 ├── UnknownExperiment    an experiment that nobody has written
 ├── ExperimentConflict   it runs, or does not, or another has its slice
 ├── TooManyAnswers       more answers than one report can hold
 ├── RunInProgress        a second retrain while one is waiting or running
 ├── UnknownRun           a run id that the ledger does not hold
 ├── Cancelled            a run that was asked to stop, and did
 ├── NotEnoughData        too few interactions to split and fit
 ├── UnknownVersion       a model version that is not on disk
 ├── CorruptArtifact      a model whose files do not match their manifest
 └── MissingExtra         something optional is asked for and not installed
"""


class RecsysError(Exception):
    """The base of every error this package raises on purpose."""


class UnknownItem(RecsysError):
    def __init__(self, item_id: str) -> None:
        super().__init__(
            f"no item {item_id!r} in the catalogue; import it or PUT /items/{{id}} first"
        )
        self.item_id = item_id


class _InvalidField(RecsysError):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class InvalidEvent(_InvalidField):
    """An event that cannot be accepted; `field` names what to mend."""


class InvalidItem(_InvalidField):
    """An item that cannot be accepted; `field` names what to mend."""


class InvalidExpression(RecsysError):
    """A filter or boost that cannot be read; `at` counts characters of `text` from 0."""

    def __init__(self, text: str, at: int, message: str) -> None:
        super().__init__(f"at character {at + 1}: {message}")
        self.text = text
        self.at = at
        self.message = message


class InvalidSteering(_InvalidField):
    """A rule, placement or preset that cannot be meant like this; `field` names what to mend."""


class UnknownSteering(RecsysError):
    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"no {what} {name!r} has been written")
        self.what = what
        self.name = name


class SteeringConflict(RecsysError):
    """`version` is that of the last change, 0 where the thing is not there."""

    def __init__(self, what: str, name: str, version: int) -> None:
        now = f"by version {version}" if version else "or taken away"
        super().__init__(f"{what} {name!r} has been changed {now}; read it again and decide anew")
        self.version = version


class InvalidExperiment(_InvalidField):
    """An experiment that could not be drawn from; `field` names what to mend."""


class UnknownExperiment(RecsysError):
    def __init__(self, experiment_id: str) -> None:
        super().__init__(f"no experiment {experiment_id!r}; GET /admin/experiments lists them")
        self.experiment_id = experiment_id


class ExperimentConflict(RecsysError):
    """An experiment is running, or is not, or its slice of a layer is another's."""


class TooManyAnswers(RecsysError):
    """A report over more answers than it can hold at once; the message says which span would do."""


class RunInProgress(RecsysError):
    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} is still waiting or running; wait for it or cancel it")
        self.run_id = run_id


class UnknownRun(RecsysError):
    def __init__(self, run_id: str) -> None:
        super().__init__(f"no run {run_id!r} in the ledger")
        self.run_id = run_id


class Cancelled(RecsysError):
    """The run was asked to stop, and did; nothing was published."""


class NotEnoughData(RecsysError):
    """Too few interactions to split and fit; the message says how many are needed."""


class UnknownVersion(RecsysError):
    def __init__(self, version: str) -> None:
        super().__init__(f"no model version {version!r} on disk; GET /admin/models lists them")
        self.version = version


class CorruptArtifact(RecsysError):
    """A model directory whose files, hashes or sizes do not agree with its manifest."""


class MissingExtra(RecsysError):
    def __init__(self, what: str, *, extra: str) -> None:
        super().__init__(f"{what} need an extra that is not installed: pip install -e '.[{extra}]'")
        self.extra = extra
