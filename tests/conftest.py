from pathlib import Path

import pytest

from harness.workflows.fit import fit


@pytest.fixture(scope="session")
def credit_model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "credit"
    fit("finance/credit-risk", "sklearn:gradient-boosting", folder)
    return folder


WORDS = [
    "the",
    "loan",
    "is",
    "denied",
    "granted",
    "age",
    "income",
    "yes",
    "no",
    "risk",
    "low",
    "high",
    "of",
    "a",
    "answer",
]
CHAT = "{% for m in messages %}<s> {{ m['content'] }} answer {% endfor %}"


def tokenizer_of(folder, chat=None, length=64):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "<s>", "</s>"]
    vocabulary = {w: i for i, w in enumerate([*special, *WORDS, *map(str, range(100))])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="[PAD]",
        unk_token="[UNK]",
        bos_token="<s>",
        eos_token="</s>",
        model_max_length=length,
    )
    if chat:
        made.chat_template = chat
    made.save_pretrained(folder)
    return made


@pytest.fixture(scope="session")
def make_classifier(tmp_path_factory):
    """A BERT classifier of two layers with these label names."""

    torch = pytest.importorskip("torch")

    def make(labels=("no", "yes"), seed=0):
        from transformers import BertConfig, BertForSequenceClassification

        folder = tmp_path_factory.mktemp("classifier")
        tokens = tokenizer_of(folder)
        torch.manual_seed(seed)
        names = dict(enumerate(labels))
        config = BertConfig(
            vocab_size=len(tokens), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
            max_position_embeddings=64, id2label=names, label2id={n: i for i, n in names.items()}, initializer_range=0.4,
        )  # fmt: skip
        BertForSequenceClassification(config).eval().save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def make_language_model(tmp_path_factory):
    """A Llama of two layers, or a T5; with a chat template where one is given."""

    torch = pytest.importorskip("torch")

    def make(kind="causal", chat=None):
        from transformers import LlamaConfig, LlamaForCausalLM, T5Config, T5ForConditionalGeneration

        folder = tmp_path_factory.mktemp("lm")
        tokens = tokenizer_of(folder, chat)
        torch.manual_seed(1)
        if kind == "causal":
            config = LlamaConfig(
                vocab_size=len(tokens), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
                intermediate_size=48, max_position_embeddings=128, initializer_range=0.4, pad_token_id=0, bos_token_id=2, eos_token_id=3,
            )  # fmt: skip
            LlamaForCausalLM(config).eval().save_pretrained(folder)
        else:
            config = T5Config(
                vocab_size=len(tokens), d_model=32, d_kv=16, d_ff=48, num_layers=2, num_heads=2, decoder_start_token_id=0,
                pad_token_id=0, eos_token_id=3,
            )  # fmt: skip
            T5ForConditionalGeneration(config).eval().save_pretrained(folder)
        return folder

    return make
