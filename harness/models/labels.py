"""A model's own labels and the suite's class of each, by name; a mismatch is asked for, never guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.finding import Finding
from harness.core.names import name_of, same_names
from harness.core.predictions import Predictions
from harness.errors import ModelError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OwnLabels:
    """The labels (k) of a model in its own order, and the position of each among the suite's classes (k).

    Labels may share a class, where the user says so; a class without a label is one that the model has not learned.
    """

    name: str
    own: tuple[str, ...]
    classes: tuple[str, ...]
    order: tuple[int, ...]

    def __str__(self) -> str:
        """`LABEL_0 = no, LABEL_1 = yes`."""
        return ", ".join(f"{label} = {self.classes[k]}" for label, k in zip(self.own, self.order, strict=True))

    def spread(self, scores: Floats) -> Floats:
        """Probabilities (n, classes) of those of the own labels (n, k): of labels that share a class the sum, 0 for a class without one."""
        spread = np.zeros((len(scores), len(self.classes)))
        for column, position in enumerate(self.order):
            spread[:, position] += scores[:, column]
        return spread

    def answers(self, said: npt.NDArray[Any] | None, scores: Floats | None) -> Predictions:
        """The suite's answers for n rows, from the labels that the model said (n,), its probabilities (n, k), or both.

        What the model said is its answer; without it the most probable class is. A row is without an answer where the label is
        None or NaN, or a probability is not a finite number.

        Raises:
            ModelError: a label that the model did not say it has.
        """
        spread = None if scores is None else self.spread(scores)
        if said is None:
            assert spread is not None
            labels = most_probable(self.classes, spread)
        else:
            labels = self._named(said)
            if spread is not None:
                labels[~np.isfinite(spread).all(axis=1)] = None
        if spread is not None:
            spread[np.array([label is None for label in labels], dtype=bool)] = np.nan
        return Predictions(self.classes, labels, spread)

    def warnings(self) -> tuple[Finding, ...]:
        """That the model has not learned some of the classes, where it has not."""
        unlearned = [name for k, name in enumerate(self.classes) if k not in self.order]
        if not unlearned:
            return ()
        why = f"the model does not know {', '.join(unlearned[:8])}: it answers every row of theirs wrongly"
        measure, n = "model.unlearned_classes", len(self.classes)
        return (
            Finding(measure=measure, value=len(unlearned), n=n, exact=True, better="lower", unit="classes", reason=why),
        )

    def _named(self, said: npt.NDArray[Any]) -> npt.NDArray[Any]:
        classes = {label: self.classes[k] for label, k in zip(self.own, self.order, strict=True)}
        names = [None if is_no_answer(value) else name_of(value) for value in said]
        unknown = sorted({name for name in names if name is not None} - set(classes))
        if unknown:
            raise ModelError(
                f"{self.name} answered {_listed(unknown[:5])}; its labels are {_listed(self.own)}. Say what each means: "
                f"{_example(unknown, self.classes)}"
            )
        return np.array([None if name is None else classes[name] for name in names], dtype=object)


def most_probable(classes: Sequence[str], scores: Floats) -> npt.NDArray[Any]:
    """The class (n,) with the largest of the scores (n, classes); None where one is not a finite number."""
    finite = np.isfinite(scores).all(axis=1)
    labels = np.full(len(scores), None, dtype=object)
    labels[finite] = np.array(classes, dtype=object)[scores[finite].argmax(axis=1)]
    return labels


def is_no_answer(value: Any) -> bool:
    """Whether a value that stands for a label is none: None, or not a number."""
    return (
        value is None
        or (isinstance(value, float | np.floating) and not np.isfinite(value))
        or str(value) in ("<NA>", "NaT")
    )


def map_labels(own: Sequence[str], classes: Sequence[str], given: Mapping[str, str], name: str) -> OwnLabels:
    """The model's labels (k) with the suite's class of each: given names first, then equal names, then equal but for case and blanks.

    Only names that are given may share a class. Without given names the model may lack classes, as one does that learned
    from rows without them.

    Raises:
        ModelError: a label without a class, two equal names of one class, or an unknown given name.
    """
    unknown = sorted(set(given) - set(own)) + sorted(set(given.values()) - set(classes))
    if unknown:
        raise ModelError(
            f"The label map names {', '.join(map(repr, unknown))}. {name} has the labels {_listed(own)}; the suite has "
            f"the classes {_listed(classes)}."
        )
    alike = Counter(c.strip().casefold() for c in classes)
    folded = {c.strip().casefold(): c for c in classes if alike[c.strip().casefold()] == 1}
    called = {label: given.get(label, word) for label, word in same_names(own, classes).items()}
    words = [called[label] for label in own]
    found = [word if word in classes else folded.get(word.strip().casefold()) for word in words]
    named = [class_ for label, class_ in zip(own, found, strict=True) if label not in given]
    if None in found or len(set(named)) != len(named) or not found:
        raise ModelError(
            f"The labels of {name} are {_listed(own)}; the suite's classes are {_listed(classes)}. Which is which can't be "
            f"told from the names. Say it (labels may share a class), for example: {_example(own, classes)}"
        )
    return OwnLabels(name, tuple(own), tuple(classes), tuple(list(classes).index(str(label)) for label in found))


def _example(own: Sequence[str], classes: Sequence[str]) -> str:
    """A map of these labels that could be meant: equal names to themselves, others to classes that are left."""
    left = [name for name in classes if name not in own]
    meant = {label: label if label in classes else (left.pop(0) if left else classes[-1]) for label in own}
    return " ".join(f"--label-map {label!r}={class_!r}" for label, class_ in meant.items())


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
