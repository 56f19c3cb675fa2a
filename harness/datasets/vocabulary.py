"""What names of columns and classes mean: attributes that law protects, good and bad outcomes, yes and no; English and Chinese.

A guess by words only: `harness init` writes each with its reason, and its user decides.
"""

from __future__ import annotations

import re
from typing import Literal

Sense = Literal["good", "bad"]

_OF_THINGS = r"(account|building|car|company|credit|equipment|domain|file|house|loan|machine|policy|property|vehicle)"
_PERSON = r"(applicant|borrower|candidate|customer|employee|head|owner|patient|person|respondent|worker)"

# Names of attributes that law protects or that stand in for them, as `words_of` writes them.
REGULATED = {
    "sexual_orientation": r"\b(sexual orientation|lgbtq?|transgender)\b|性取向|性傾向|性倾向",
    "sex": rf"\b(sex|sexes|genders?)\b|^(is )?(male|female|man|woman)( (flag|yn))?$|\b(fe)?male {_PERSON}\b|geschlecht|性别|性別|男女",
    "nationality": r"\b(nationality|nationalities|national origin|citizens?|citizenship|foreign (worker|national|born)|foreigner"
    r"|immigrants?|immigration|migrants?|(country|place|city|state|region) of birth|birth (country|place|city|state)|birthplace"
    r"|country of (origin|citizenship)|native (country|language)|mother tongue)\b"
    r"|staatsangehörigkeit|国籍|國籍|籍贯|籍貫|户口|戶口|户籍|戶籍|出生地",
    "age": r"\b(ages?|aged|yob|dob|born|birthdays?|birthdates?)\b"
    r"|\bbirth\b(?! (weight|order|rank|rate|control))"
    r"|(?<!设备)(?<!房屋)(?<!车辆)(年龄|年齡|年纪|年紀)|^alter$|geburt|出生|生日|周岁|歲|岁",
    "race": r"\brace\b(?! (id|time|date|number|distance|track|name))|\b(races|ethnic|ethnicity|ethnicities|afam|hispanic|latino"
    r"|latina|skin (colou?r|tone|type))\b|种族|種族|民族",
    "religion": r"\b(religions?|religious|faith|church|creed)\b|宗教|信仰",
    "disability": r"\b(disabled|disability|disabilities|handicap|handicapped|handicaps)\b|behinderung|残疾|殘疾|残障|殘障",
    "marital_status": rf"\b(marital|married|unmarried|marr|divorced|widowed|(civil|family|familial) status)\b"
    rf"|\bspouse\b(?! (income|salary))|^(is )?single$|\bsingle ({_PERSON}|parent|mother|father)\b|familienstand|婚姻|婚否|已婚|未婚|婚况",
    "pregnancy": r"\b(pregnant|pregnancy|maternity)\b|怀孕|懷孕|孕妇|孕婦",
}
_AGE_OF_THING = re.compile(rf"\b{_OF_THINGS} age\b|\bage of (?!(the )?(birth|onset|{_PERSON}))")

_GOOD = re.compile(
    r"\b(accept|accepted|acceptance|admitted|admission|alive|approve|approved|approval|benign|cured|eligible|eligibility|good"
    r"|grant|granted|healthy|hire|hired|hiring|normal|offered|originated|paid|passed|pass|promoted|qualified|recovered|repaid"
    r"|retained|selected|shortlisted|succeeded|success|successful|survived|survival|survivor)\b"
    r"|批准|核准|获批|獲批|通过|通過|录用|錄用|录取|錄取|合格|同意|放款|接受|还清|還清|生存|存活|健康|良好|良性|正常|符合|成功"
)
_BAD = re.compile(
    r"\b(abnormal|anomaly|arrears|attrition|bad|bankrupt|bankruptcy|breach|cancer|charged off|churn|churned|complications?|dead"
    r"|death|deceased|declined?|default|defaulted|defaults|defect|defective|delinquent|delinquency|denial|denied|deny|diabetes"
    r"|died|diseased?|dismissed|exited|fail|failed|fails|failure|faulty?|fraud|fraudulent|hospital|icu|illness|ineligible"
    r"|malignant|mortality|overdue|phishing|readmission|readmitted|recid|recidivism|reject|rejected|rejection|refused?|refusal|relapse"
    r"|reoffended|scam|sick|spam|stroke|terminated|unpaid|unqualified|unsuccessful)\b"
    r"|违约|違約|拒绝|拒絕|欺诈|欺詐|诈骗|詐騙|流失|失败|失敗|故障|逾期|坏账|壞賬|拖欠|死亡|患病|疾病|恶性|惡性|异常|異常|缺陷"
)
_NEGATED = re.compile(
    r"(\b(not|no|non|never|without|isn t|wasn t)( \w+)? $)|((不予|未被|未能|未获|没有|沒有|不|未|没|无|無|非)$)"
)

_LABEL_NAME = re.compile(r"^(y|labels?|targets?|标签|標籤|目标|目標)$")
_LABEL_WORD = re.compile(
    r"^(class|credit|credit risk|creditability|outcome|results?|status|decision|diagnosis|verdict|结果|結果|诊断|診斷|决定|決定)$"
)
_LABEL_PART = re.compile(
    r"\b(label|target|outcome|decision|diagnosis|dlqin|action taken)\b|标签|標籤|目标变量|诊断|診斷|审批|審批|决策|決策|状态|狀態"
)
_LABEL_HINT = re.compile(r"\b(result|status|response)\b|结果|結果")
_HISTORY = re.compile(
    r"\b(history|hist|previous|prev|prior|past|last|before|on file|ever)\b|历史|歷史|曾|以往|上次|既往"
)
_QUESTION = re.compile(r"^(是否|有无|有無)|^(is|has|was|did|will) ")
_NUMBER = re.compile(
    r"\b(price|amount|cost|sales|revenue|yield|demand)\b|价格|價格|金额|金額|房价|房價|销售额|銷售額|产量|產量"
)

YES = {"1", "yes", "true", "y", "t", "ja", "oui", "sí", "si", "是", "有", "对", "對"}
NO = {"0", "-1", "no", "false", "n", "f", "nein", "non", "否", "无", "無", "没有", "沒有", "不是"}


def words_of(name: str) -> str:
    """A name as lower-case words: `NAME_FamilyStatus2` is `name family status 2`."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " ", name)
    return re.sub(r"[\W_]+", " ", apart).strip().lower()


def attribute_of(column: str) -> str | None:
    """The attribute that a column's name says it holds; None where it says none."""
    words = words_of(column)
    if _AGE_OF_THING.search(words):
        return None
    return next((attribute for attribute, pattern in REGULATED.items() if re.search(pattern, words)), None)


def sense_of(text: str) -> Sense | None:
    """Whether a label's or a class's name is a good outcome for the person or a bad one; None where it is neither, or both.

    A negation right before turns it: `not approved`, `未通过`.
    """
    words = re.sub("是否", " ", words_of(text))
    turned: dict[Sense, Sense] = {"good": "bad", "bad": "good"}
    senses: tuple[tuple[re.Pattern[str], Sense], ...] = ((_GOOD, "good"), (_BAD, "bad"))
    found = {
        turned[own] if _NEGATED.search(words[: match.start()]) else own
        for pattern, own in senses
        for match in pattern.finditer(words)
    }
    return found.pop() if len(found) == 1 else None


def label_rank(column: str) -> tuple[int, str]:
    """How much a name looks like a label's (4 label, target or y; 3 an outcome, 2 a hint, 1 a question, 0 nothing), and why."""
    words = words_of(column)
    if _LABEL_NAME.search(words):
        return 4, "its name is a usual one of labels"
    if _LABEL_WORD.search(words):
        return 3, "its name is a usual one of labels"
    outcome = sense_of(column) is not None or _GOOD.search(words) or _BAD.search(words) or _LABEL_PART.search(words)
    if outcome and not _HISTORY.search(words):
        return 3, "its name is that of an outcome"
    if _LABEL_HINT.search(words):
        return 2, "its name hints at an outcome"
    if _QUESTION.search(words):
        return 1, "its name is a question of yes or no"
    return 0, "no column is named like a label"


def names_a_number(column: str) -> bool:
    """Whether a name is that of a number which people predict: a price, an amount."""
    return _NUMBER.search(words_of(column)) is not None


def yes_and_no(classes: list[str]) -> tuple[str, str] | None:
    """The classes that say yes and no; None unless these are the two."""
    yes = [name for name in classes if name.strip().lower() in YES]
    no = [name for name in classes if name.strip().lower() in NO]
    return (yes[0], no[0]) if len(classes) == 2 and len(yes) == len(no) == 1 else None
