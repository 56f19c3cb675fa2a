"""The exceptions of the harness; each class carries the exit code that the command line ends with.

HarnessError (70)
├── UserError (2)            the input is wrong: says what, wanted, got, what to do
│   ├── SuiteError           a suite or policy file
│   ├── DataError            a data set, its columns or its rows
│   ├── ModelError           a model, or what it answered
│   │   └── DeviceMemoryError    the device's memory does not hold it
│   └── MissingExtraError    an optional dependency
└── IntegrityError (4)       a stored record does not match its digest
"""


class HarnessError(Exception):
    """Any error that the harness raises on purpose."""

    exit_code = 70


class UserError(HarnessError):
    """The input is wrong; the message says what to do."""

    exit_code = 2


class SuiteError(UserError):
    """A suite or policy file is wrong."""


class DataError(UserError):
    """A data set can't be read or does not fit its suite."""


class ModelError(UserError):
    """A model can't be loaded, or its answers don't fit."""


class DeviceMemoryError(ModelError):
    """The device's memory does not hold a model, or one text beside it."""


class MissingExtraError(UserError):
    """An optional dependency is not installed."""


class IntegrityError(HarnessError):
    """A stored record does not match its digest."""

    exit_code = 4
