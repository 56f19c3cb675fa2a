"""Maps a model's own labels to the suite's classes, by name; a mismatch is asked for, never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.errors import ModelError


def map_labels(own: Sequence[str], classes: Sequence[str], given: Mapping[str, str], name: str) -> list[int]:
    """The position among `classes` (k) of each of the model's labels (k), in the model's order.

    Given names first, then equal names, then names equal but for case and surrounding blanks. ModelError where labels are
    left over, name the same class, or a given name is unknown.
    """
    unknown = sorted(set(given) - set(own)) + sorted(set(given.values()) - set(classes))
    if unknown:
        raise ModelError(
            f"The label map names {', '.join(map(repr, unknown))}. {name} has the labels {_listed(own)}; the suite has "
            f"the classes {_listed(classes)}."
        )
    folded = {c.strip().casefold(): c for c in classes}
    found = [given.get(label) or folded.get(label.strip().casefold()) for label in own]
    if None in found or len(set(found)) != len(found) or len(found) != len(classes):
        example = " ".join(f"--label-map {a!r}={b!r}" for a, b in zip(own, classes, strict=False))
        raise ModelError(
            f"The labels of {name} are {_listed(own)}; the suite's classes are {_listed(classes)}. Which is which can't be "
            f"told from the names. Say it, for example: {example}"
        )
    return [list(classes).index(str(label)) for label in found]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
