import numpy as np
import pytest

from harness.errors import ModelError
from harness.models.language_model import load_language_model
from harness.models.options import ModelOptions
from harness.spec.suite import PromptView

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


from_pretrained = {"causal": "AutoModelForCausalLM", "seq2seq": "AutoModelForSeq2SeqLM"}
CLASSES = ("denied", "granted")
VIEW = PromptView(template="{{ text }}", choices={"denied": " the loan is denied", "granted": " granted"})
PROMPTS = ["the income is high", "age 41 income 3 risk low of a loan", "a"]
CHAT = "{% for m in messages %}<s> {{ m['content'] }} answer {% endfor %}"


def opened(folder, view=VIEW):
    return load_language_model(str(folder), "m", CLASSES, view, ModelOptions())


def by_hand(folder, kind, prompt, choice):
    """Sum of log-probabilities of the choice's tokens, one forward pass a token."""
    tokens = transformers.AutoTokenizer.from_pretrained(folder)
    own = getattr(transformers, from_pretrained[kind]).from_pretrained(folder).double()
    ids, total = tokens(prompt)["input_ids"], 0.0
    said = tokens(choice, add_special_tokens=False)["input_ids"]
    for i, wanted in enumerate(said):
        with torch.no_grad():
            if kind == "causal":
                logits = own(input_ids=torch.tensor([ids + said[:i]])).logits[0, -1]
            else:
                start = torch.tensor([[0, *said[:i]]])
                logits = own(input_ids=torch.tensor([ids]), decoder_input_ids=start).logits[0, -1]
        total += float(torch.log_softmax(logits, dim=-1)[wanted])
    return total


@pytest.mark.parametrize("kind", ["causal", "seq2seq"])
def test_log_likelihoods_are_those_of_one_pass_a_token(make_language_model, kind):
    folder = make_language_model(kind)
    wanted = [[by_hand(folder, kind, p, VIEW.choices[c]) for c in CLASSES] for p in PROMPTS]
    assert np.abs(opened(folder).log_likelihoods(PROMPTS) - wanted).max() < 1e-4


def test_sharing_the_prompt_changes_nothing(make_language_model):
    model = opened(make_language_model())
    shared = model.log_likelihoods(PROMPTS)
    model.share_prompt = False
    assert np.abs(shared - model.log_likelihoods(PROMPTS)).max() < 1e-5


def test_batch_and_order_change_nothing(make_language_model):
    model = opened(make_language_model())
    together = model.score(PROMPTS)
    assert np.abs(together - np.vstack([model.score([p]) for p in PROMPTS])).max() < 1e-5
    assert np.abs(together - model.score(PROMPTS[::-1])[::-1]).max() < 1e-5


def test_normalising_divides_by_the_number_of_tokens(make_language_model):
    folder = make_language_model()
    plain = opened(folder).log_likelihoods(PROMPTS)
    view = VIEW.model_copy(update={"normalise": True})
    scores = opened(folder, view).score(PROMPTS)[:, 1:]
    wanted = np.exp(plain / [4, 1])
    assert np.allclose(scores, wanted / wanted.sum(axis=1, keepdims=True))


def test_a_chat_template_makes_the_prompt_the_users_turn(make_language_model):
    folder = make_language_model(chat=CHAT)
    wanted = by_hand(folder, "causal", "<s> the income is high answer", "granted")
    assert opened(folder).log_likelihoods(PROMPTS[:1])[0, 1] == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize(
    "harm",
    ["{{ messages.__class__.__mro__[1].__subclasses__() }}", "{{ messages.append(1) }}", "{% include '/etc/passwd' %}"],
)
def test_a_chat_template_that_tries_to_do_harm_ends_in_a_message(make_language_model, harm):
    with pytest.raises(ModelError, match="chat template"):
        opened(make_language_model(chat=harm)).score(PROMPTS[:1])


def test_choices_that_are_not_the_classes_are_refused(make_language_model):
    view = VIEW.model_copy(update={"choices": {"yes": " yes", "no": " no"}})
    with pytest.raises(ModelError, match="one choice for each class"):
        opened(make_language_model(), view)
    with pytest.raises(ModelError, match=r"no views\.prompt"):
        opened(make_language_model(), None)


def test_greedy_answers_repeat_and_sampled_ones_follow_their_seed(make_language_model):
    model = opened(make_language_model())
    assert model.generate(PROMPTS, tokens=5) == model.generate(PROMPTS, tokens=5)
    sampled = [model.generate(PROMPTS, tokens=8, temperature=1.0, seed=s) for s in (1, 1, 2)]
    assert sampled[0] == sampled[1] != sampled[2]
