"""Reads openml:ID and openml:NAME@VERSION through scikit-learn, which keeps what it fetched and checks its MD5.

All columns come, the target among them; OpenML's row ids and columns to ignore don't.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

from harness.errors import DataError
from harness.resources import cache_folder

if TYPE_CHECKING:
    import pandas as pd

_NAME = re.compile(r"openml:(?:(?P<id>[1-9]\d*)|(?P<name>[^@#/:]+)@(?P<version>[1-9]\d*))")


def read_openml(source: str) -> pd.DataFrame:
    """The table behind the name; DataError where it names none, or nothing answers and nothing is kept."""
    from sklearn.datasets import fetch_openml
    from sklearn.externals._arff import ArffException

    asked = _NAME.fullmatch(source)
    if asked is None:
        raise DataError(
            f"{source} names no data set of OpenML. Wanted: openml:ID, such as openml:31, or openml:NAME@VERSION, such as "
            "openml:credit-g@1 (a name alone has several versions, with different rows)."
        )
    which: dict[str, Any] = {"data_id": int(asked["id"])} if asked["id"] else {"name": asked["name"]}
    if asked["version"]:
        which["version"] = int(asked["version"])
    try:
        with warnings.catch_warnings():
            # What it retries ends in a table or in an error of ours.
            warnings.filterwarnings("ignore", message="A network error occurred|Invalid cache")
            # The parser "pandas" breaks on numbers that name classes (scikit-learn #34902), and its types change with pandas.
            found = fetch_openml(
                **which, target_column=None, as_frame=True, parser="liac-arff", data_home=cache_folder(), cache=True
            )
    except OSError as error:
        raise DataError(
            f"OpenML can't be reached for {source} ({type(error).__name__}), and it is not kept from an earlier run. Run it "
            "once with a network (what is fetched is kept under HARNESS_CACHE), or download it and give the file."
        ) from error
    except (ValueError, KeyError, ArffException) as error:
        unknown = type(error).__name__ == "OpenMLError"
        what = "OpenML does not know it" if unknown else "it is sparse, no table, or no longer what OpenML describes"
        raise DataError(
            f"{source} can't be read: {what}. Look at its page on openml.org, or give another id or a file."
        ) from error
    table: pd.DataFrame = found.frame
    table.attrs["source"] = f"openml:{found.details['id']}"
    return table
