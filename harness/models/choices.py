"""Reads which of the suite's choices an answer in words names, as a person would: in English, in Chinese, as JSON.

What is not clearly one choice is none: both named as the answer, one that is negated ("not yes", 不是), in doubt ("maybe", 可能)
or asked ("yes?"). An answer is read in this order:

1. JSON with a key such as `answer`: its value.
2. After the last "the answer is", "answer:", 答案是, or in a box (`\\boxed{…}`, `<answer>…</answer>`): what stands there, unless
   another choice stands after an earlier one or at the very beginning, and the last is not called final.
3. A clause that is a choice and nothing else but words such as "I choose", "therefore", 我选: "Yes, because …", "A) approve".
4. A sentence that names one choice alone ("the loan is approved"), without a negation or a doubt. Not for words that sentences
   need anyway: those of one or two letters (no, a), yes, true, and one Chinese character (是, 否).

Before that, full-width characters, case, underlines and hyphens inside words, quotes, marks of emphasis and tags of HTML are made
equal.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence

READING = 3  # raised where the same answer is read as another choice than before
_CJK = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_LETTER = rf"[^\W{_CJK}]"
_CHINESE = re.compile(f"[{_CJK}]")
_ATOM = 0xE000  # the first character of Unicode's private use: stands for the first choice
_ATOMS = "[\ue000-\uf8ff]"

_SENTENCES = re.compile(r"(?<=[?!。;\n])|(?<=\.)(?!\d)")
_CLAUSES = re.compile(
    r"(?<!\d)[.,]|[.,](?!\d)|[!?。、;:()\[\]{}\"|\n—–→✅❌✓✗]|\s-+\s|\s=+\s"
    r"|\b(?:because|since|as|due to|given|but|although)\b|因为|由于|但"
    rf"|(?<=[{_CJK}])(?:是|为)\s*:"
)
_CUE = re.compile(
    r"\b(?:answer|verdict|label|prediction|classification|decision|conclusion|diagnosis)(?: \([^)]*\))?"
    r"(?: is:?| would be:?| should be:?| must be:?|\s*[:=]|\s*-+>|\s*→)(?: that)?"
    r"|(?:答案|结论|结果|判断|预测|分类|标签|选择)(?:应该|应|就)?(?:(?:是|为)?\s*[:=]|是|为)"
    r"|\\boxed\s*\{(?:\\text\s*\{)?|<answer>"
)
_FILLERS = re.compile(
    r"^(?:(?:so|thus|therefore|hence|then|well|ok|okay|sure|and|overall|finally|in conclusion|in summary|ultimately)\b"
    r"|(?:absolutely|definitely|clearly|certainly|probably|likely|most likely|almost certainly|simply|just)\b"
    r"|(?:the|my|final|correct|best|right|most|appropriate|likely|predicted)\b"
    r"|(?:i|we)(?:'d|'ll| would| will| do| shall)?(?: (?:choose|pick|select|say|answer|predict|go with|think|believe|classify))+\b"
    r"|(?:it|this|that|he|she)(?: is|'s| would be| as)\b|(?:is|would be|must be)\b"
    r"|a (?=(?:yes|no)\b)|(?:option|choice|label|class|category|response|result|output|answer|prediction|decision|verdict)\b"
    r"|(?:本题|该题|此题|因此|所以|综上所述|综上|故|那么|总之|最终|最后|正确|我的|应该|应|就|我)"
    r"|(?:选项|答案|结论|结果|回答)(?:是|为)?|(?:认为|判断|选择|觉得|预测|选|答)(?:是|为)?(?=\s*\S)"
    r"|(?:而|这|它)?是(?=[a-z0-9\ue000-\uf8ff])|[-*+>#~_'`= ]+(?!\d))\s*"
)
_TAIL = re.compile(
    r"\s*(?:is (?:the )?(?:most )?(?:correct|right|best|appropriate|likely)(?: (?:answer|option|choice|one))?"
    r"|(?:indeed|definitely|please|it is|it does|it will|it would|it is not|it does not|it will not|he will|she will)"
    r"|的(?:选项|答案)?|选项|项|正确|[-*~_'` ]+)$"
)
_DOUBTS = re.compile(
    r"\b(?:not|no|never|neither|nor|cannot|without|unlikely|maybe|perhaps|possibly|either|or|if|whether|hardly|rather than|"
    r"instead of|against|wrong|incorrect|false|rule out|ruled out|non|un|re|pre|semi|anti|might|may|could|isn|aren|wasn|"
    r"doesn|don|didn|won|wouldn|can|shouldn|couldn|between)\b|n't\b|\?|不|没|未|非|无|否|别|勿|可能|或|难以|吗|如果|若|还是|[中较偏次](?=[\ue000-\uf8ff])|疑似|排除"
)
_IGNORANCE = re.compile(
    r"\b(?:know|unsure|unclear|uncertain|unable|depends|undecided|cannot (?:determine|tell|say|decide))\b|not sure|can't (?:determine|tell|say)"
    r"|无法|不知道|不确定|难以|不清楚|未知"
)
_FINAL = re.compile(r"(?:\bfinal|最终|最后)[\s\w]{0,12}$")
_PERHAPS = re.compile(r"\b(?:maybe|perhaps|possibly|might|may|could)\b|可能|或许|也许")
_ASKED = re.compile(r"\?|是否|是不是|吗")
_DENIALS = frozenset(("no", "not", "false", "否", "不", "不是", "不对"))
_COMMON = frozenset(("yes", "true", "not", "one", "two", "the", "and", "can", "may", "all", "any", "other"))
_ANSWER_KEYS = frozenset(
    [
        "answer",
        "final answer",
        "label",
        "class",
        "choice",
        "option",
        "prediction",
        "decision",
        "verdict",
        "result",
        "output",
        "classification",
        "category",
        "response",
        "diagnosis",
        "答案",
        "最终答案",
        "结果",
        "结论",
        "选择",
        "选项",
        "预测",
        "分类",
        "标签",
        "判断",
        "决定",
    ]
)
_REFUSALS = ("i can't", "i cannot", "i'm sorry", "i am sorry", "i'm unable", "i am unable", "as an ai", "sorry, i can")
_REFUSALS_IN_CHINESE = (
    "抱歉",
    "很抱歉",
    "非常抱歉",
    "对不起",
    "我无法",
    "我不能",
    "作为ai",
    "作为一个ai",
    "作为人工智能",
    "作为一个人工智能",
)


def is_refusal(text: str) -> bool:
    """Whether the answer begins as a refusal does."""
    return _normalised(text).lstrip(" \n*_#>\"'").startswith((*_REFUSALS, *_REFUSALS_IN_CHINESE))


class ChoiceReader:
    """Reads answers as one of `words`, the choices as the suite writes them."""

    def __init__(self, words: Sequence[str]) -> None:
        self._written = [" ".join(_normalised(word).split()) for word in words]
        self._words = [_word(word) for word in words]
        longest_first = sorted({word for word in self._words if _stands_out(word)}, key=len, reverse=True)
        self._atoms = re.compile("|".join(map(_whole, longest_first)) or r"(?!)")

    def unreadable(self) -> list[int]:
        """The places of choices that no answer can name: they say nothing, or read as another does."""
        return [i for i, word in enumerate(self._words) if not word or self._words.count(word) > 1]

    def read(self, text: str) -> int | None:
        """The place of the choice that the answer names; None where that is not clearly one."""
        written = " ".join(_normalised(text).split())
        if written and self._written.count(written) == 1:
            return self._written.index(written)
        found, given = _json_answer(text)
        if found:
            return None if given is None else self._read(given)
        return self._read(text)

    def begun_by(self, token: str) -> list[bool]:
        """For each choice whether a token of a model begins it."""
        part = _normalised(token).strip()
        return [bool(part) and word.startswith(part) for word in self._words]

    def begins_with_choice(self, text: str) -> bool:
        """Whether the very first word of the answer belongs to a choice."""
        start = _normalised(text).lstrip()
        return any(word and re.match(_whole(word), start) for word in self._words)

    def _read(self, text: str) -> int | None:
        text = self._atoms.sub(lambda found: self._atom(found.group()), _normalised(text))
        cues = list(_CUE.finditer(text))
        while cues and not text[cues[-1].end() :].strip(" \n*_`'\"}"):
            cues.pop()
        if not cues:
            return self._stated(text)
        *earlier, last = cues
        if _is_doubted(text, last):
            return None
        place = self._stated(re.split(r"</answer>|\}", text[last.end() :])[0])
        ends = [cue.start() for cue in cues[1:]]
        before = [
            self._stated(text[cue.end() : end])
            for cue, end in zip(earlier, ends, strict=True)
            if not _is_doubted(text, cue)
        ]
        before.append(self._place(_without_fillers(_CLAUSES.split(text[: cues[0].start()])[0])))
        return place if _FINAL.search(text[: last.start()]) or {*before} <= {place, None} else None

    def _stated(self, text: str) -> int | None:
        sentences = [part for part in _SENTENCES.split(text) if part and part.strip()]
        clauses = [clause for part in sentences if not _ASKED.search(part) for clause in _CLAUSES.split(part)]
        stripped = [_without_fillers(clause) for clause in clauses if clause and clause.strip()]
        stated = {place for clause in stripped if (place := self._place(clause)) is not None}
        denied = any(clause in _DENIALS and self._place(clause) is None for clause in stripped)
        if denied or len(stated) > 1:
            return None
        if not stated:
            return self._named_alone(sentences)
        place = stated.pop()
        return (
            None
            if any(_PERHAPS.search(clause) and self._names_another(clause, place) for clause in stripped)
            else place
        )

    def _names_another(self, clause: str, place: int) -> bool:
        others = (word for i, word in enumerate(self._words) if i != place)
        return any(
            word and re.search(self._atom(word) if _stands_out(word) else _whole(word), clause) for word in others
        )

    def _named_alone(self, sentences: list[str]) -> int | None:
        """The one choice that is named at all, in sentences that neither negate nor doubt nor ask."""
        named = [(part, re.findall(_ATOMS, part)) for part in sentences]
        atoms = {atom for _, found in named for atom in found}
        if len(atoms) != 1 or any(_IGNORANCE.search(part) for part in sentences):
            return None
        if any(found and _DOUBTS.search(part) for part, found in named):
            return None
        return self._place(atoms.pop())

    def _place(self, clause: str) -> int | None:
        """The place of the only choice that the clause is."""
        word = self._words[ord(clause) - _ATOM] if re.fullmatch(_ATOMS, clause) else clause
        places = [i for i, own in enumerate(self._words) if own and own == word]
        return places[0] if len(places) == 1 else None

    def _atom(self, word: str) -> str:
        return chr(_ATOM + self._words.index(" ".join(word.split())))


def _is_doubted(text: str, cue: re.Match[str]) -> bool:
    """Whether the sentence of a cue denies or doubts before it ("if the answer is")."""
    sentence = _SENTENCES.split(text[: cue.start()])[-1]
    return bool(_DOUBTS.search(sentence) or _IGNORANCE.search(sentence))


def _normalised(text: str) -> str:
    """Full-width forms, case, quotes, emphasis, tags, signs without width, and what joins words, made equal; lines stay."""
    text = unicodedata.normalize("NFKC", text).casefold().translate(_QUOTES)
    text = re.sub(r"\*\*|```(?:json)?|`|</?(?:b|strong|em|i|p|u|br|div|span)\s*/?>", " ", text)
    text = re.sub("[\u200b-\u200f\u2060\ufe0f\ufeff]", "", text)
    text = re.sub(r"(?<=\w)[-\u2010\u2011_](?=\w)|(?<!\w)_+|_+(?!\w)", " ", text)
    return re.sub(r"[^\S\n]+", " ", text).strip()


def _word(choice: str) -> str:
    """A choice without the punctuation around it, which no answer needs to repeat."""
    word = " ".join(_normalised(choice).split())
    return word.strip(".,;:!?。、()[]\"' ") or word


_QUOTES = str.maketrans("‘’“”「」『』《》【】〈〉«»", "''" + 14 * '"')


def _stands_out(word: str) -> bool:
    """Whether a choice can be told from the words that any sentence needs."""
    if not word or word in _COMMON or word.isdecimal():
        return False
    return len(word) > 1 if _CHINESE.search(word) else len(word) > 2


def _whole(word: str) -> str:
    """A pattern of the choice as a whole word; between Chinese characters there are no blanks to look for."""
    before = rf"(?<!{_LETTER})(?<!{_LETTER}')" if re.match(_LETTER, word) else ""
    after = rf"(?!{_LETTER})(?!'{_LETTER})" if re.match(_LETTER, word[-1]) else ""
    return before + re.escape(word).replace(r"\ ", r"\s+") + after


def _without_fillers(clause: str) -> str:
    clause = clause.strip()
    while (shorter := _TAIL.sub("", _FILLERS.sub("", clause)).strip()) != clause and shorter:
        clause = shorter
    return clause


def _json_answer(text: str) -> tuple[bool, str | None]:
    """Whether the answer is a JSON object, and the one answer in it; None where it holds none, or several."""
    start = text.find("{")
    if start < 0 or text[:start].count("\\boxed"):
        return False, None
    try:
        found, _ = json.JSONDecoder().raw_decode(text[start:])
    except (ValueError, RecursionError):
        return False, None
    if not isinstance(found, dict):
        return False, None
    fields = {_normalised(str(key)): value for key, value in found.items()}
    given = [value for key, value in fields.items() if key in _ANSWER_KEYS] or (
        list(fields.values()) if len(fields) == 1 else []
    )
    words = {json.dumps(value) if isinstance(value, bool) else str(value) for value in given}
    return True, words.pop() if len(words) == 1 and isinstance(given[0], str | int | float) else None
