"""Reads suite and policy files: all problems at once, each with its file, line and path."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import rfc8785
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.core.audit import SuiteParent
from harness.core.comparison import Margin, Margins, release_rules
from harness.core.datacard import DataCard
from harness.core.required_rules import required_ids
from harness.core.rule import Rule
from harness.core.system import System
from harness.core.waiver import Waiver
from harness.errors import SuiteError
from harness.resources import resource_folder
from harness.spec.plain_yaml import advice, read_yaml
from harness.spec.suite import TASKS, Suite
from harness.spec.waivers import refuse_misfits

T = TypeVar("T", bound=BaseModel)
Location = tuple[str | int, ...]


@dataclass(frozen=True)
class LoadedSuite:
    """A suite, its file, the folder that its data's paths are relative to, and the digest of its contents.

    The folder is that of the file which names `data.source`: the suite's own, or the one that it extends. `parents` are the
    suites that it extends, the nearest first.
    """

    suite: Suite
    path: Path
    folder: Path
    digest: str
    parents: tuple[SuiteParent, ...] = ()


class Policy(BaseModel):
    """A policy in a file of its own: its rules, their waivers, and the margins for comparing and releasing."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    policy: list[Rule] = Field(min_length=1)
    waivers: list[Waiver] = Field(default_factory=list)
    compare: Margins | None = None
    release: list[Margin] = Field(default_factory=list)

    @model_validator(mode="after")
    def _waivers_fit(self) -> Self:
        required = {rule.id: rule for task in TASKS for rule in required_ids(task)}
        refuse_misfits([*self.policy, *release_rules(self.release)], self.waivers, list(required.values()))
        return self


def load_suite(name_or_path: str | Path) -> LoadedSuite:
    """A built-in suite by name, or a suite file by path."""
    path = _find(str(name_or_path))
    document, lines = _parse(path)
    parents: list[SuiteParent] = []
    document, folder = _extended(document, path, (), parents)
    suite = _validate(Suite, document, path, lines)
    return LoadedSuite(suite, path, folder, digest_of(suite), tuple(parents))


def load_policy(path: Path) -> Policy:
    """A policy file: a mapping with the key `policy` and, where some are granted, `waivers`."""
    document, lines = _parse(path)
    return _validate(Policy, document, path, lines)


def load_card(path: Path) -> DataCard:
    """A data card."""
    document, lines = _parse(path)
    return _validate(DataCard, document, path, lines)


def built_in_suites() -> list[str]:
    """The names of the shipped suites, sorted."""
    root = resource_folder("suites")
    return sorted(
        str(path.relative_to(root).with_suffix("")) for path in root.glob("*/*.yaml") if ".card" not in path.name
    )


def digest_of(model: BaseModel | Iterable[BaseModel]) -> str:
    """sha256 of the canonical JSON (RFC 8785) of one model or several."""
    dumped: Any
    if isinstance(model, BaseModel):
        dumped = model.model_dump(mode="json")
    else:
        dumped = [item.model_dump(mode="json") for item in model]
    return "sha256:" + hashlib.sha256(rfc8785.dumps(dumped)).hexdigest()


def _find(name: str) -> Path:
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise SuiteError(f"There is no suite file {name}. Give a path to a YAML file or one of: {_known()}.")
        return path
    names = built_in_suites()
    if name not in names:
        near = difflib.get_close_matches(name, names, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise SuiteError(
            f"There is no suite {name!r}.{hint} Built-in suites: {_known()}; or give a path to a YAML file."
        )
    return resource_folder("suites") / f"{name}.yaml"


def _extended(
    document: dict[str, Any], path: Path, seen: tuple[Path, ...], parents: list[SuiteParent]
) -> tuple[dict[str, Any], Path]:
    """The document over the one that it extends, and the folder of its data; every file that is extended joins `parents`.

    Mappings are merged, null takes a key back, all else is replaced; a policy's path is read.
    """
    own = _with_policy(document, path)
    parent = own.pop("extends", None)
    if parent is None:
        return own, path.parent
    if not isinstance(parent, str):
        raise SuiteError(f"{path}: extends must name a suite or a YAML file, got {parent!r}.")
    beside = path.parent / parent
    above = _find(str(beside) if beside.is_file() else parent)
    if above.resolve() in (*seen, path.resolve()):
        raise SuiteError(f"{path} extends itself through {above.name}. Remove one of the extends keys.")
    base, _ = _parse(above)
    name = above.name if Path(parent).is_absolute() else parent  # a record names no folder of a machine
    parents.append(SuiteParent(name=name, sha256=hashlib.sha256(above.read_bytes()).hexdigest()))
    base, folder = _extended(base, above, (*seen, path.resolve()), parents)
    names_source = isinstance(own.get("data"), dict) and "source" in own["data"]
    return _merged(base, own), path.parent if names_source else folder


def _with_policy(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """Waivers go with their policy: a policy file brings its own, and a policy of its own leaves the parent's behind.

    Margins of a policy file hold where the suite gives none itself.
    """
    own = dict(document)
    if "policy" in own:
        own.setdefault("waivers", [])
    if isinstance(own.get("policy"), str):
        shared = load_policy(path.parent / own["policy"])
        own["policy"] = [rule.model_dump(mode="json", exclude_none=True) for rule in shared.policy]
        if isinstance(own["waivers"], list):
            own["waivers"] = own["waivers"] + [w.model_dump(mode="json", exclude_none=True) for w in shared.waivers]
        if shared.compare is not None:
            own.setdefault("compare", shared.compare.model_dump(mode="json", exclude_none=True))
        if shared.release:
            own.setdefault("release", [margin.model_dump(mode="json", exclude_none=True) for margin in shared.release])
    return own


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in own.items():
        if value is None and key != "column":  # a label's column that is null says that there is no true answer
            out.pop(key, None)
            continue
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = _merged(out[key], value) if both else value
    return out


def _known() -> str:
    return ", ".join(built_in_suites())


def _parse(path: Path) -> tuple[dict[str, Any], dict[Location, int]]:
    try:
        text = path.read_text(encoding="utf-8")
        document, node = read_yaml(text)
    except OSError as error:
        raise SuiteError(f"{path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SuiteError(f"{path} is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from error
    except yaml.YAMLError as error:
        raise SuiteError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(document, dict):
        raise SuiteError(
            f"{path} must hold a mapping of keys; got {type(document).__name__}. See 'harness show finance/credit-risk --yaml' for an example."
        )
    lines: dict[Location, int] = {}
    repeated: list[str] = []
    if node is not None:
        _mark(node, (), lines, repeated)
    if repeated:
        raise SuiteError(f"{path} repeats keys: " + "; ".join(repeated))
    return document, lines


def _mark(node: yaml.Node, at: Location, lines: dict[Location, int], repeated: list[str]) -> None:
    lines[at] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                repeated.append(f"{key.value} (line {key.start_mark.line + 1})")
            seen.add(key.value)
            lines[(*at, key.value)] = key.start_mark.line + 1
            _mark(value, (*at, key.value), lines, repeated)
            lines[(*at, key.value)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _mark(value, (*at, index), lines, repeated)


def _validate(kind: type[T], document: dict[str, Any], path: Path, lines: dict[Location, int]) -> T:
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        problems = [_problem(item, path, lines) for item in error.errors()]
        unique = list(dict.fromkeys(problems))
        raise SuiteError(f"{len(unique)} problem(s):\n" + "\n".join(unique)) from error


def _problem(item: Any, path: Path, lines: dict[Location, int]) -> str:
    place = item["loc"]
    kinds = (
        place if item["type"] != "extra_forbidden" else place[:-1]
    )  # the last part is then a key that somebody wrote
    at = (*(part for part in kinds if not _is_branch(part)), *place[len(kinds) :])
    known = at
    while known and known not in lines:
        known = known[:-1]
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(at[-1]), _keys_beside(at), 1)
        message = f"unknown key {at[-1]!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        if at[-1] in near:
            message = f"the key {at[-1]!r} does not belong here, but elsewhere in a suite"
    elif item["type"] == "missing":
        message = "this key is missing"
    elif item["type"] != "value_error" and not isinstance(item.get("input"), dict):
        message += f"; got {item.get('input')!r}{advice(item['type'], item.get('input'))}"
    where = ".".join(str(part) for part in at) or "the file"
    return f"{path}:{lines.get(known, 1)}: {where}: {message}"


def _is_branch(part: str | int) -> bool:
    """Whether a part of a place is pydantic's name of one kind of several, and no key."""
    return isinstance(part, str) and (part in ("int", "float") or part.startswith("function-"))


def _keys_beside(at: Location) -> list[str]:
    from harness.spec.data import Data, Label, Sensitive, SplitPlan

    kinds: list[type[BaseModel]] = [Suite, Data, Label, Sensitive, SplitPlan, Rule, Waiver, System, DataCard]
    return sorted({key for kind in kinds for key in kind.model_fields})
