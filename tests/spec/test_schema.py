import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from harness import audit
from harness.errors import SuiteError
from harness.resources import resource_folder
from harness.spec.loading import built_in_suites, load_suite
from harness.spec.schema import KINDS, schema_of, schema_text


def stored(kind):
    return json.loads((resource_folder("reports") / "schema" / f"{kind}-1.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_stored_schema_is_the_one_that_the_code_gives(kind):
    assert stored(kind) == json.loads(schema_text(kind))
    jsonschema.Draft202012Validator.check_schema(schema_of(kind))


@pytest.mark.parametrize("name", built_in_suites())
def test_every_suite_as_written_fits_the_schema_for_editors(name):
    jsonschema.validate(yaml.safe_load(load_suite(name).path.read_text(encoding="utf-8")), stored("suite"))


def test_the_schema_for_editors_refuses_a_misspelt_key_and_a_limit_that_is_no_number():
    document = yaml.safe_load(load_suite("finance/credit-risk").path.read_text(encoding="utf-8"))
    for change in ({"vertcal": "x"}, {"policy": [{**document["policy"][0], "at_least": "high"}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**document, **change}, stored("suite"))


def test_a_real_record_fits_the_schema_and_a_record_with_nan_as_text_does_not(credit_model):
    record = audit("finance/credit-risk", str(credit_model)).model_dump(mode="json", by_alias=True)
    jsonschema.validate(record, stored("audit"))
    record["records"][0]["findings"][0]["value"] = "NaN"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(record, stored("audit"))


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("floating", "unknown key 'floating'"),
        ("integer", "unknown key 'integer'"),
        ("intended_use", "the key 'intended_use' does not belong here"),
    ],
)
def test_a_key_that_begins_as_a_kind_of_number_is_named(tmp_path, key, says):
    text = (Path(__file__).parents[2] / "suites" / "finance" / "fraud-detection.yaml").read_text(encoding="utf-8")
    (tmp_path / "s.yaml").write_text(f"{text}\n{key}: x\n", encoding="utf-8")
    with pytest.raises(SuiteError, match=says):
        load_suite(str(tmp_path / "s.yaml"))
