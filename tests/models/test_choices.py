"""An answer is read as a person would read it, in English and in Chinese; what is not clearly one choice is none."""

import pytest

from harness.models.choices import ChoiceReader, is_refusal

YES_NO = ("Yes", "No")
APPROVE = ("approve", "deny")
LETTERS = ("A", "B", "C", "D")
DEFAULT = ("default", "no default")
SHI_FOU = ("是", "否")
PIZHUN = ("批准", "拒绝")
BU_PIZHUN = ("批准", "不批准")
TUMOUR = ("恶性", "良性")
ENGLISH = [
    (YES_NO, "The answer is yes.", "Yes"),
    (YES_NO, "**Yes**", "Yes"),
    (YES_NO, "Yes.", "Yes"),
    (YES_NO, "NO, it will not", "No"),
    (YES_NO, "Yes, because there is no debt.", "Yes"),
    (YES_NO, "Yes because income is high", "Yes"),
    (YES_NO, "yes it is", "Yes"),
    (YES_NO, "I would say no.", "No"),
    (YES_NO, "Answer (Yes or No): No", "No"),
    (YES_NO, '{"answer": "yes"}', "Yes"),
    (YES_NO, '```json\n{"reason": "no debt", "answer": "Yes"}\n```', "Yes"),
    (YES_NO, "\\boxed{\\text{No}}", "No"),
    (YES_NO, "<answer>yes</answer>", "Yes"),
    (YES_NO, "Ｙｅｓ", "Yes"),
    (YES_NO, "Is it granted? Yes.", "Yes"),
    (YES_NO, "# Answer\n\nNo", "No"),
    (YES_NO, "“Yes”", "Yes"),
    (YES_NO, "Probably yes", "Yes"),
    (YES_NO, "_No_", "No"),
    (YES_NO, "yes or no", None),
    (YES_NO, "Yes/No", None),
    (YES_NO, "Yes and no.", None),
    (YES_NO, "not yes", None),
    (YES_NO, "The answer is not yes.", None),
    (YES_NO, "I do not think the answer is yes.", None),
    (YES_NO, "No debts were found", None),
    (YES_NO, "There is no reason for concern.", None),
    (YES_NO, "Yes. Actually, no.", None),
    (YES_NO, "maybe yes", None),
    (YES_NO, "Yes?", None),
    (YES_NO, "nowhere", None),
    (YES_NO, "", None),
    (YES_NO, "Yes, but it could also be no", None),
    (YES_NO, '{"answer": "yes or no"}', None),
    (YES_NO, "I don't know.", None),
    (LETTERS, "A) approve", "A"),
    (LETTERS, "Answer: B", "B"),
    (LETTERS, "(B)", "B"),
    (LETTERS, "The correct option is (C).", "C"),
    (LETTERS, "B because A is wrong.", "B"),
    (LETTERS, "Option D is the correct answer.", "D"),
    (LETTERS, "I'd go with C.", "C"),
    (LETTERS, "B.", "B"),
    (LETTERS, "A person with a high income", None),
    (LETTERS, "A or B", None),
    (LETTERS, "A, B", None),
    (LETTERS, "Both A and B", None),
    (LETTERS, "Final answer: **C**", "C"),
    (LETTERS, "A/B", None),
    (APPROVE, "A) approve", "approve"),
    (APPROVE, "I recommend to approve the loan.", "approve"),
    (APPROVE, "The loan is not one to approve.", None),
    (APPROVE, "Approve, do not deny.", "approve"),
    (APPROVE, "Deny or approve?", None),
    (APPROVE, "Therefore, deny.", "deny"),
    (APPROVE, "disapprove", None),
    (APPROVE, "non-approve", None),
    (DEFAULT, "no default", "no default"),
    (DEFAULT, "Default.", "default"),
    (DEFAULT, "There is no default.", "no default"),
    (DEFAULT, "The client will not default.", None),
    (DEFAULT, "No, default", None),
    (DEFAULT, "No.", None),
    (DEFAULT, "No-default", "no default"),
    (DEFAULT, "NO_DEFAULT", "no default"),
    (DEFAULT, "I expect a default.", "default"),
    ((">50K", "<=50K"), "<=50K", "<=50K"),
    ((">50K", "<=50K"), "The income is >50K.", ">50K"),
    (("1", "0"), "The answer is 1.", "1"),
    (("1", "0"), "0", "0"),
    (("1", "0"), "10", None),
    (("Yes, with conditions", "Yes"), "Yes, with conditions.", "Yes, with conditions"),
    (("Yes, with conditions", "Yes"), "Yes.", "Yes"),
    (YES_NO, "It's a yes.", "Yes"),
    (YES_NO, "<p><b>Yes</b></p>", "Yes"),
    (YES_NO, "«No»", "No"),
    (YES_NO, "= Yes", "Yes"),
    (YES_NO, "\ufeffYes\u200b", "Yes"),
    (YES_NO, "Answer: yes\nAnswer: no", None),
    (YES_NO, "Yes\n\nage 30. Granted? Answer: No", None),
    (YES_NO, "Final answer: yes. (Initial answer: no.)", None),
    (YES_NO, "First answer: yes. Final answer: no.", "No"),
    (YES_NO, "If the answer is yes, there is no debt. The answer is no.", "No"),
    (YES_NO, "The answer is yes.\n\nAnswer: Yes", "Yes"),
    (YES_NO, "Yes. Answer: **Yes**", "Yes"),
]
CHINESE = [
    (SHI_FOU, "是", "是"),
    (SHI_FOU, "是。", "是"),
    (SHI_FOU, "否", "否"),
    (SHI_FOU, "答案是：是", "是"),
    (SHI_FOU, "答案是：否。", "否"),
    (SHI_FOU, "答案是否", "否"),
    (SHI_FOU, "答案为是", "是"),
    (SHI_FOU, "是的，因为收入较高。", "是"),
    (SHI_FOU, "否，因为收入不足。", "否"),
    (SHI_FOU, "我认为是。", "是"),
    (SHI_FOU, "**否**", "否"),
    (SHI_FOU, "是否违约？否。", "否"),
    (SHI_FOU, "【答案】是", "是"),
    (SHI_FOU, '{"答案": "否"}', "否"),
    (SHI_FOU, "「是」", "是"),
    (SHI_FOU, "结论：否", "否"),
    (SHI_FOU, "不是", None),
    (SHI_FOU, "是或否", None),
    (SHI_FOU, "是否", None),
    (SHI_FOU, "可能是", None),
    (SHI_FOU, "是，也可能否", None),
    (SHI_FOU, "不确定", None),
    (SHI_FOU, "是吗？", None),
    (SHI_FOU, "是一个高风险客户", None),
    (SHI_FOU, "是。不是。", None),
    (SHI_FOU, "答案是：是。答案是：否。", None),
    (SHI_FOU, "答案：是。最终答案：否。", "否"),
    (SHI_FOU, "否定", None),
    (LETTERS, "选Ｂ", "B"),
    (LETTERS, "Ａ）批准", "A"),
    (LETTERS, "正确答案是C。", "C"),
    (LETTERS, "应选 D", "D"),
    (LETTERS, "B选项", "B"),
    (LETTERS, "答案：Ｃ", "C"),
    (LETTERS, "答案不是A，而是B", "B"),
    (LETTERS, "我选择A，因为B不对", "A"),
    (LETTERS, "A和B", None),
    (LETTERS, "答案不是A", None),
    (PIZHUN, "批准", "批准"),
    (PIZHUN, "建议批准该贷款申请。", "批准"),
    (PIZHUN, "不批准", None),
    (PIZHUN, "不是批准，而是拒绝", "拒绝"),
    (PIZHUN, "拒绝。", "拒绝"),
    (PIZHUN, "批准还是拒绝？", None),
    (PIZHUN, "批准或拒绝", None),
    (PIZHUN, "综上所述，应拒绝。", "拒绝"),
    (BU_PIZHUN, "不批准", "不批准"),
    (BU_PIZHUN, "批准", "批准"),
    (BU_PIZHUN, "我的判断是不批准。", "不批准"),
    (BU_PIZHUN, "不予批准", None),
    (TUMOUR, "我认为该肿瘤是恶性的。", "恶性"),
    (TUMOUR, "该肿瘤不是恶性的。", None),
    (TUMOUR, "非恶性", None),
    (TUMOUR, "良性，不是恶性", "良性"),
    (("高风险", "低风险"), "中高风险", None),
    (("高风险", "低风险"), "该客户属于高风险", "高风险"),
    (SHI_FOU, "我的回答是：否。", "否"),
    (LETTERS, "本题选B。", "B"),
    (SHI_FOU, "根据以上信息，答案是否。", "否"),
]


@pytest.mark.parametrize(("choices", "answer", "wanted"), [*ENGLISH, *CHINESE])
def test_an_answer_is_the_choice_that_it_clearly_names_or_none(choices, answer, wanted):
    place = ChoiceReader(choices).read(answer)
    assert (None if place is None else choices[place]) == wanted


def test_both_languages_have_answers_that_are_read_and_answers_that_are_not():
    for rows in (ENGLISH, CHINESE):
        assert len(rows) >= 30
        assert sum(wanted is None for _, _, wanted in rows) >= 10


@pytest.mark.parametrize(
    "choices",
    [
        ("N/A", "U.S."),
        (">50K.", "<=50K."),
        ("C++", "C"),
        ("(A)", "(B)"),
        ("-1", "1"),
        ("maybe", "yes"),
        ("not sure", "yes"),
        ("没有", "有"),
        ("无法判断", "是", "否"),
        ("I", "II", "III"),
        ("yes?", "no?"),
        ("因为", "但"),
        ("Approve it, with conditions", "Approve it"),
    ],
)
def test_a_choice_as_it_is_written_is_read_as_itself(choices):
    reader = ChoiceReader(choices)
    assert [reader.read(choice) for choice in choices] == list(range(len(choices)))


def test_choices_that_read_the_same_name_no_one():
    reader = ChoiceReader(["Yes", "yes.", "ＹＥＳ"])
    assert reader.read("yes") is None


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        ("I'm sorry, I can't help with that.", True),
        ("I\u2019m sorry, but no.", True),
        ("抱歉，我无法回答这个问题。", True),
        ("作为一个AI，我不能判断。", True),
        ("Sorry state of debts: no", False),
        ("我认为是。", False),
    ],
)
def test_a_refusal_is_told_from_an_answer(answer, refused):
    assert is_refusal(answer) is refused


def test_the_first_token_is_matched_to_the_choices_that_it_begins():
    reader = ChoiceReader(["批准", "不批准", "Deny"])
    assert reader.begun_by(" 不") == [False, True, False]
    assert reader.begun_by("de") == [False, False, True]
    assert reader.begun_by(" ") == [False, False, False]
    assert reader.begins_with_choice(" deny, because")
    assert not reader.begins_with_choice("I would deny")
