"""What right and wrong decisions cost, by true class and by the class decided for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Matrix = dict[str, dict[str, float]]


@dataclass(frozen=True)
class BinaryCosts:
    """What a row costs: a positive one acted on and not, and a negative one acted on and not."""

    caught: float
    missed: float
    false_alarm: float
    passed: float

    @property
    def threshold(self) -> float:
        """The probability from which acting is the cheaper decision (Elkan 2001)."""
        alarm = self.false_alarm - self.passed
        return alarm / (alarm + self.missed - self.caught)

    @property
    def text(self) -> str:
        """The four costs in words."""
        errors = f"a false alarm costs {self.false_alarm:g}, a missed positive {self.missed:g}"
        right = f", a caught positive {self.caught:g}, a negative that is not acted on {self.passed:g}"
        return errors + (right if self.caught or self.passed else "")

    @property
    def by_cell(self) -> tuple[float, float, float, float]:
        """A row's cost by its cell: positive and acted on, positive and not, negative and acted on, negative and not."""
        return self.caught, self.missed, self.false_alarm, self.passed

    @property
    def of_all(self) -> tuple[float, float, float, float]:
        """The same where every row is acted on."""
        return self.caught, self.caught, self.false_alarm, self.false_alarm

    @property
    def of_none(self) -> tuple[float, float, float, float]:
        """The same where no row is."""
        return self.missed, self.missed, self.passed, self.passed

    def of(self, acted: Bools, hit: Bools) -> Floats:
        """Costs of rows (..., n), acted on or not; times 1,000."""
        of_hits, of_others = np.where(acted, self.caught, self.missed), np.where(acted, self.false_alarm, self.passed)
        return np.asarray(1000 * np.where(hit, of_hits, of_others), dtype=float)


def binary_costs(
    false_alarm: float | None,
    missed: float | None,
    matrix: Matrix | None,
    classes: tuple[str, ...],
    positive: str,
) -> BinaryCosts:
    """From a matrix {truth: {decision: cost}} of two classes, or, where right answers cost nothing, from what the two errors cost
    (1 each where left out).

    Raises:
        ValueError: a cost of an error is not above that of the right decision, or the matrix is not of these two classes.
    """
    if matrix is None:
        costs = BinaryCosts(0.0, 1.0 if missed is None else missed, 1.0 if false_alarm is None else false_alarm, 0.0)
        if min(costs.false_alarm, costs.missed) <= 0:
            raise ValueError(f"false_alarm and missed must be above 0, got {costs.false_alarm:g} and {costs.missed:g}.")
        return costs
    if false_alarm is not None or missed is not None:
        raise ValueError("matrix holds every cost, so false_alarm and missed repeat it. Leave them out.")
    require_matrix_of(classes, matrix)
    if len(classes) != 2:
        raise ValueError(f"matrix must be of two classes, got {', '.join(classes)}.")
    other = next(name for name in classes if name != positive)
    costs = BinaryCosts(
        matrix[positive][positive], matrix[positive][other], matrix[other][positive], matrix[other][other]
    )
    if costs.missed <= costs.caught or costs.false_alarm <= costs.passed:
        raise ValueError(
            "in matrix the wrong decision must cost more than the right one for either class, else one decision is always "
            f"the cheaper; got {matrix}."
        )
    return costs


def require_matrix_of(classes: tuple[str, ...], matrix: Matrix) -> None:
    """ValueError where the matrix does not give a cost for each true class and each decision."""
    if any(set(names) != set(classes) for names in (list(matrix), *map(list, matrix.values()))):
        raise ValueError(
            f"matrix wants each class of the data ({', '.join(classes)}) as a truth, and for each what every decision costs: "
            f"{{truth: {{decision: cost}}}}; got {matrix}."
        )
