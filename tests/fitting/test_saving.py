"""What `harness fit` leaves: a whole model or none, and nothing of others lost."""

import pytest

from harness.errors import UserError
from harness.fitting.saving import model_folder, save_card


def fit_into(folder, card="a", fail=False):
    with model_folder(folder) as unfinished:
        save_card(unfinished, {"title": card}, ["1"])
        if fail:
            raise KeyboardInterrupt


def test_a_model_is_replaced_whole_and_a_stopped_fit_leaves_the_old_one(tmp_path):
    folder = tmp_path / "m"
    with pytest.raises(KeyboardInterrupt):
        fit_into(folder, fail=True)
    assert list(tmp_path.iterdir()) == []
    fit_into(folder)
    (folder / "model.skops").touch()
    with pytest.raises(KeyboardInterrupt):
        fit_into(folder, "b", fail=True)
    assert (folder / "model.skops").exists() and '"a"' in (folder / "harness-model.json").read_text(encoding="utf-8")
    fit_into(folder, "b")
    assert sorted(p.name for p in folder.iterdir()) == ["README.md", "harness-model.json"]
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match=r"holds what harness fit did not write, and it would be lost: notes.txt"):
        fit_into(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]
