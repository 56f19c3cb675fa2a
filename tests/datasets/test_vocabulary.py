import pytest

from harness.datasets.vocabulary import attribute_of, label_rank, sense_of, words_of, yes_and_no

NAMES = {
    "sex": ["sex", "Gender", "genders", "sex1", "applicant_sex", "co_applicant_sex", "is_female", "female_applicant", "性别", "性別"],
    "age": ["age", "ages", "birthdate", "birth_date", "yob", "dob", "DAYS_BIRTH", "AgeInYears", "age_of_patient", "age_group", "出生日期", "生日", "年纪", "年齡"],
    "race": ["race", "races", "race2", "ethnicity", "ethnicities", "Hispanic", "skin_color", "种族", "種族", "民族"],
    "religion": ["religion", "religions", "religious_belief", "宗教"],
    "disability": ["disability", "disabilities", "handicapped", "残疾", "殘疾"],
    "marital_status": ["marital-status", "family_status", "NAME_FAMILY_STATUS", "civil_status", "single", "婚姻状况", "婚姻狀況"],
    "nationality": ["nationality", "citizenship", "national_origin", "foreign_worker", "country_of_birth", "native-country", "户籍", "籍贯"],
    "pregnancy": ["pregnant", "怀孕"],
    "sexual_orientation": ["sexual_orientation", "性取向"],
}  # fmt: skip


@pytest.mark.parametrize(("attribute", "column"), [(a, c) for a, columns in NAMES.items() for c in columns])
def test_a_regulated_attribute_is_known_by_its_names(attribute, column):
    assert attribute_of(column) == attribute


@pytest.mark.parametrize(
    "column",
    ["single_premium", "single_family_home", "male_connector", "vehicle_age", "age_of_car", "age_of_domain", "account_age", "SkinThickness",
     "race_time", "birth_weight", "storage", "page", "message", "foreign_exchange", "spouse_income", "车龄", "设备年龄", "收入"],
)  # fmt: skip
def test_other_names_are_of_no_regulated_attribute(column):
    assert attribute_of(column) is None


GOOD = ["Approved", "hired", "granted", "admitted", "originated", "eligible", "Fully Paid", "no default", "non-fraud", "是否批准",
        "录用", "合格", "通过", "未违约", "无故障"]  # fmt: skip
BAD = ["denied", "default", "Rejected", "is_fraud", "churn", "failure", "heart_disease", "died", "not.fully.paid", "not approved",
       "ineligible", "Charged Off", "是否违约", "拒绝", "欺诈", "不合格", "未通过", "不予批准"]  # fmt: skip


@pytest.mark.parametrize(("text", "sense"), [(t, "good") for t in GOOD] + [(t, "bad") for t in BAD])
def test_an_outcome_is_good_or_bad_by_its_words_and_a_negation_turns_it(text, sense):
    assert sense_of(text) == sense


@pytest.mark.parametrize(
    "text", ["outcome", "y", "1", "segment", "approval_denied", "hospital_admitted", "是否有房", "badge", "failover"]
)
def test_a_name_of_neither_or_of_both_has_no_sense(text):
    assert sense_of(text) is None


def test_names_of_labels_stand_above_outcomes_outcomes_above_hints_hints_above_bare_questions():
    order = ["label", "是否违约", "loan_status", "是否有房", "income"]
    assert [label_rank(name)[0] for name in order] == [4, 3, 2, 1, 0]
    assert label_rank("previous_default")[0] == label_rank("历史违约")[0] == 0


def test_yes_and_no_are_told_in_either_order_and_other_pairs_are_none():
    assert yes_and_no(["0", "1"]) == ("1", "0")
    assert yes_and_no(["是", "否"]) == ("是", "否")
    assert yes_and_no(["False", "True"]) == ("True", "False")
    assert yes_and_no(["f", "m"]) is None  # f is a no only beside a yes
    assert yes_and_no(["yes", "no", "maybe"]) is None


def test_words_are_cut_at_signs_digits_and_capitals():
    assert words_of("NAME_FamilyStatus2 ") == "name family status 2"
