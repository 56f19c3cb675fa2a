from pathlib import Path

import pytest

from harness.workflows.fit import fit


@pytest.fixture(scope="session")
def credit_model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "credit"
    fit("finance/credit-risk", "sklearn:gradient-boosting", folder)
    return folder
