"""The digest of a .skops file is of what is loaded from it: not of addresses, times or the order of its members."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from harness.models.skops_content import content_digest, import_skops

X, Y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["a", "a", "b", "b"])


def saved(model, path):
    skops.io.dump(model, path)
    return path


@pytest.fixture
def file(tmp_path):
    return saved(LogisticRegression().fit(X, Y), tmp_path / "m.skops")


def changed(file, change, path):
    """The file with its schema and members changed."""
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(path, "w") as target:
        members = {name: source.read(name) for name in source.namelist()}
        schema = json.loads(members.pop("schema.json"))
        schema, members = change(schema, members)
        for name, content in reversed(list(members.items())):
            target.writestr(name, content)
        target.writestr("schema.json", json.dumps(schema, indent=3))
    return path


def renumbered(schema, members):
    """Every address moved, and every member named for its new one."""

    def moved(node):
        if isinstance(node, dict):
            return {
                k: v + 16 if k == "__id__" else f"x{v}" if k == "file" and isinstance(v, str) else moved(v)
                for k, v in node.items()
            }
        return [moved(part) for part in node] if isinstance(node, list) else node

    return moved(schema), {f"x{name}": content for name, content in members.items()}


def test_addresses_names_and_order_of_the_members_do_not_count(file, tmp_path):
    again = changed(file, renumbered, tmp_path / "again.skops")
    assert (skops.io.load(again).predict(X) == Y).all()
    assert content_digest(again) == content_digest(file)


def test_equal_fits_are_equal_and_other_fits_are_not(file, tmp_path):
    assert content_digest(saved(LogisticRegression().fit(X, Y), tmp_path / "b.skops")) == content_digest(file)
    assert content_digest(saved(LogisticRegression(C=2.0).fit(X, Y), tmp_path / "c.skops")) != content_digest(file)
    assert content_digest(saved(LogisticRegression().fit(X, Y[::-1]), tmp_path / "d.skops")) != content_digest(file)


def one_weight(schema, members):
    name = max(members, key=lambda n: len(members[n]))
    content = bytearray(members[name])
    content[-1] ^= 1
    return schema, {**members, name: bytes(content)}


def swapped(schema, members):
    """Two members of the same shape change places."""
    names = [n for n in members if len(members[n]) == len(members[next(iter(members))])][:2]
    return schema, {**members, names[0]: members[names[1]], names[1]: members[names[0]]}


@pytest.mark.parametrize("change", [one_weight, swapped])
def test_a_changed_weight_counts(file, tmp_path, change):
    assert content_digest(changed(file, change, tmp_path / "b.skops")) != content_digest(file)


def test_a_set_has_no_order(tmp_path):
    digests = set()
    for order in ((0, 8), (8, 0)):  # these two collide, so that the first to come stands first
        model = LogisticRegression().fit(X, Y)
        model.known_ = set(order)
        digests.add(content_digest(saved(model, tmp_path / f"{order[0]}.skops")))
    assert list({0, 8}) != list({8, 0})
    assert len(digests) == 1


def test_an_object_under_the_address_of_another_counts(file, tmp_path):
    """The loader takes the first of two objects with one address, so a second that differs must not be overlooked."""

    def doubled(schema, members):
        content = schema["content"]["content"]
        content["C"] = {**content["C"], "__id__": content["max_iter"]["__id__"]}
        return schema, members

    first = content_digest(changed(file, doubled, tmp_path / "b.skops"))
    assert first != content_digest(file)


def test_skops_is_imported_with_every_estimator_and_without_torch():
    listed = "len(skops.io._trusted_types.SKLEARN_ESTIMATOR_TYPE_NAMES)"
    code = (
        "import sys; from harness.models.skops_content import import_skops; import_skops(); import skops.io; "
        f"print({listed}, 'torch' in sys.modules); import sklearn.externals.array_api_compat.torch"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert import_skops() is skops.io
    assert printed.split() == [str(len(skops.io._trusted_types.SKLEARN_ESTIMATOR_TYPE_NAMES)), "False"]
