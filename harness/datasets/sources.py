"""Where a table comes from: a file, or a name that a reader loads (hf:org/name#split, openml:31, a plugin's scheme).

Nothing is fetched unless a suite or an option names such a source. What was loaded by name is known by its content: the
fingerprint is the sha256 of the table written as CSV (UTF-8, no index, missing cells as ␀).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.datasets.cells import Columns, Table, typed_table, written_cells
from harness.datasets.numbers import with_numbers
from harness.datasets.readers import open_table
from harness.engine.plugins import did_you_mean, load_target, targets
from harness.engine.provenance import sha256_bytes, sha256_file
from harness.errors import DataError
from harness.spec.data import Read

if TYPE_CHECKING:
    import pandas as pd

READERS = {"hf": "harness.datasets.hub:read_hub", "openml": "harness.datasets.openml:read_openml"}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # two signs at least: one is a drive of Windows


@dataclass(frozen=True)
class Source:
    """A table as read, its name for messages, the digest of its content, and for one loaded by name what was loaded."""

    read: Table
    name: str
    fingerprint: str
    origin: str | None = None

    @property
    def table(self) -> pd.DataFrame:
        """The typed rows."""
        return self.read.frame


def is_named(source: str | Path, folder: Path = Path()) -> bool:
    """Whether a source is loaded by name: it has a scheme, and no file in the folder is called so."""
    return _SCHEME.match(str(source)) is not None and not (folder / source).is_file()


def read_source(
    source: str | Path,
    read: Read | None = None,
    folder: Path = Path(),
    missing: dict[str, list[Any]] | None = None,
    columns: Columns | None = None,
) -> Source:
    """The table of a file (relative to the folder) or of a name; DataError where there is none.

    `missing` is the suite's: values by column that stand for nothing.
    """
    columns = columns or Columns()
    if not is_named(source, folder):
        path = folder / source
        return Source(open_table(path, read, missing, columns), path.name, sha256_file(path))
    named = _loaded(str(source))
    names = [str(name) for name in named.table if name in columns.names]
    written = {name: written_cells(named.table[name].tolist()) for name in names}
    table = typed_table(named.table, written, {}, columns)
    frame = with_numbers(table.frame, read or Read(), missing or {}, named.name, columns.texts)
    return replace(named, read=replace(table, frame=frame))


def _loaded(source: str) -> Source:
    """The table that a reader gives for `scheme:…`: one of ours, or of an installed package (harness.datasets)."""
    import pandas as pd

    scheme, known = source.partition(":")[0], targets("harness.datasets", READERS)
    if scheme not in known:
        raise DataError(
            f"No reader knows {scheme}:, so {source} can't be loaded.{did_you_mean(scheme, known)} Give a file (download "
            f"it first where it lies on the web), or one of: {', '.join(f'{name}:…' for name in sorted(known))}."
        )
    if re.search(r"//[^/]*@", source):
        raise DataError(
            f"A key in a {scheme}: source would end in records. Leave it out; keys come from the environment."
        )
    table = load_target(known[scheme])(source)
    if not isinstance(table, pd.DataFrame) or not len(table) or not table.columns.is_unique:
        raise DataError(
            f"{source} gave no table. Wanted: a data frame of one row at least whose columns have names of their own."
        )
    origin = str(table.attrs.get("source", source))
    table = _plain(table)
    return Source(Table(table, table.iloc[:, :0]), source, _content_digest(table), origin)


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the types that a file's table has: categories are their values, whole numbers with gaps are floats, and what is missing
    among texts is None, whatever mark it had."""
    import pandas as pd

    return pd.DataFrame({str(name): _plain_column(column) for name, column in table.reset_index(drop=True).items()})


def _plain_column(column: pd.Series[Any]) -> pd.Series[Any]:
    import pandas as pd

    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return column.astype(kind.categories.dtype if not column.isna().any() else object)
    if isinstance(kind, pd.api.extensions.ExtensionDtype) and kind.kind in "iuf":
        return column.astype("float64" if column.isna().any() else "int64" if kind.kind in "iu" else "float64")
    if pd.api.types.is_object_dtype(kind) or (kind.kind in "OUb" and getattr(kind, "na_value", None) is pd.NA):
        return column.astype(object).where(column.notna(), None)
    return column


def _content_digest(table: pd.DataFrame) -> str:
    return sha256_bytes(table.to_csv(index=False, na_rep="␀", lineterminator="\n").encode("utf-8", "surrogatepass"))
