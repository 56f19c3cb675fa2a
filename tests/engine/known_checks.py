"""What a suite's request of a check meets in `validate_checks`: the name first, then the parameters."""

from harness.engine.registry import check_entries
from harness.engine.validation import entry_of, problems_of_parameters
from harness.errors import SuiteError


def find_check(name, parameters):
    """The check of this name; SuiteError where it is unknown, or with every problem of its parameters."""
    entry = entry_of(name, check_entries())
    if problems := problems_of_parameters(entry, parameters):
        raise SuiteError("\n".join(problems))
    return entry
