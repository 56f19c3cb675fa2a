"""The text pass against transformers' pipeline and against a bare loop, on texts of mixed length with MiniLM.

python benchmarks/text_pass.py [--texts 400] [--repeats 3] [--memory]

CPU seconds at one thread and wall seconds at two, medians; beside each ratio the largest change of a probability and the
labels that turn. Run it on an idle machine: the variants take turns, so that noise meets all of them.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch
import transformers

from harness.engine.cache import AnswerCache
from harness.engine.progress import silent
from harness.engine.text_pass import Limits, TextPass
from harness.models.bundled import bundled_folder
from harness.models.options import ModelOptions
from harness.models.transformers_classifier import load_classifier

WORDS = [
    "the",
    "patient",
    "reports",
    "mild",
    "pain",
    "after",
    "treatment",
    "and",
    "bank",
    "denies",
    "a",
    "loan",
    "of",
    "high",
    "risk",
    "because",
    "income",
    "is",
    "low",
]


def texts_of(count, seed=0, mean=50):
    """Texts of log-normal length, `mean` words on average."""
    rng = np.random.default_rng(seed)
    lengths = np.clip(rng.lognormal(np.log(mean) - 0.32, 0.8, count), 3, 400).astype(int)
    return [f"{i} " + " ".join(rng.choice(WORDS, n)) for i, n in enumerate(lengths)]


def classifier_folder(target):
    """MiniLM with a random head of two classes: speed does not depend on what the head says."""
    torch.manual_seed(0)
    base = bundled_folder("minilm")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=2, id2label={0: "no", 1: "yes"}, label2id={"no": 0, "yes": 1}
    )
    model.classifier.weight.data *= 20
    model.save_pretrained(target)
    transformers.AutoTokenizer.from_pretrained(base).save_pretrained(target)
    return str(target)


def pass_of(folder, dtype="float32", cache=None):
    model = load_classifier(folder, "m", ("no", "yes"), ModelOptions(dtype=dtype, device="cpu"))
    return TextPass(model, None, cache or AnswerCache(None), Limits(), silent)


def by_pipeline(pipe, texts, batch):
    found = pipe(texts, batch_size=batch, truncation=True, top_k=None)
    return np.array([[next(x["score"] for x in row if x["label"] == name) for name in ("no", "yes")] for row in found])


def by_bare_loop(model, tokenizer, texts, budget=2048):
    """Sorted by length under the same token budget, and nothing else: no cache, no keys, no checks."""
    encoded = tokenizer(texts, truncation=True, max_length=512)["input_ids"]
    order, start, out = np.argsort([-len(e) for e in encoded], kind="stable"), 0, np.empty((len(texts), 2))
    with torch.inference_mode():
        while start < len(order):
            size = max(1, min(256, budget // len(encoded[order[start]])))
            batch = order[start : start + size]
            padded = tokenizer.pad({"input_ids": [encoded[i] for i in batch]}, return_tensors="pt")
            out[batch] = torch.softmax(model(**padded).logits.double(), dim=-1).numpy()
            start += size
    return out


def measured(runs, threads, repeats):
    """Median CPU and wall seconds of each run, the runs taking turns."""
    torch.set_num_threads(threads)
    cpu, wall, out = {n: [] for n in runs}, {n: [] for n in runs}, {}
    for _ in range(repeats):
        for name, run in runs.items():
            c, w = time.process_time(), time.perf_counter()
            out[name] = run()
            cpu[name].append(time.process_time() - c)
            wall[name].append(time.perf_counter() - w)
    return {n: (statistics.median(cpu[n]), statistics.median(wall[n])) for n in runs}, out


def compare(folder, texts, repeats):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    plain = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    pipe = transformers.pipeline("text-classification", model=plain, tokenizer=tokenizer, device="cpu")
    kept = Path(tempfile.mkdtemp()) / "answers.sqlite"
    pass_of(folder, cache=AnswerCache(kept)).answers(texts)
    models = {dtype: pass_of(folder, dtype) for dtype in ("float32", "bfloat16")}

    def fresh(dtype):
        models[dtype]._cache = AnswerCache(None)
        return models[dtype].answers(texts)[:, 1:]

    warm = pass_of(folder)

    def cached():
        warm._cache = AnswerCache(kept)
        return warm.answers(texts)[:, 1:]

    runs = {
        "pipeline, batch 32": lambda: by_pipeline(pipe, texts, 32),
        "pipeline, batch 1": lambda: by_pipeline(pipe, texts, 1),
        "bare sorted loop": lambda: by_bare_loop(plain, tokenizer, texts),
        "harness float32": lambda: fresh("float32"),
        "harness bfloat16": lambda: fresh("bfloat16"),
        "harness, all kept": cached,
    }
    one, out = measured(runs, 1, repeats)
    two, _ = measured(runs, 2, 1)
    reference = out["pipeline, batch 1"]
    print(f"{len(texts)} texts, mean {np.mean([len(t.split()) for t in texts]):.0f} words")
    print(f"{'variant':22} {'CPU s, 1 thread':>16} {'wall s, 2':>10}  change of a probability, labels turned")
    for name in runs:
        change = np.abs(out[name] - reference).max()
        turned = int((out[name].argmax(1) != reference.argmax(1)).sum())
        print(f"{name:22} {one[name][0]:16.3f} {two[name][1]:10.2f}  {change:.1e}, {turned}")
    cpu = {name: seconds for name, (seconds, _) in one.items()}
    for a, b in (
        ("pipeline, batch 32", "harness float32"), ("pipeline, batch 1", "harness float32"),
        ("pipeline, batch 1", "harness bfloat16"), ("harness float32", "bare sorted loop"), ("harness float32", "harness, all kept"),
    ):  # fmt: skip
        print(f"{a} / {b}: {cpu[a] / cpu[b]:.2f}")


def onnx_parity(folder):
    """The same classifier exported to ONNX: how far its answers lie from torch's."""
    from harness.models.onnx import load_onnx

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    encoded = tokenizer(["a b c", "d e"], padding=True, return_tensors="pt")
    # In the order of the model's own arguments: the exporter goes by position.
    example = {name: encoded[name] for name in ("input_ids", "attention_mask", "token_type_ids")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, tuple(example.values()), str(Path(folder) / "model.onnx"), input_names=list(example), output_names=["logits"],
            dynamic_axes={name: {0: "n", 1: "t"} for name in example}, dynamo=False, opset_version=17,
        )  # fmt: skip
    graph = load_onnx(Path(folder) / "model.onnx", "m", ("no", "yes"), ModelOptions())
    texts = texts_of(128)
    wanted = pass_of(folder).answers(texts)
    found = np.vstack([graph.score(texts[i : i + 8]) for i in range(0, len(texts), 8)])
    turned = int((found[:, 0] != wanted[:, 0]).sum())
    print(
        f"ONNX against torch: change of a probability {np.abs(found - wanted)[:, 1:].max():.1e}, {turned} labels turned"
    )


def choices(repeats):
    """A language model's choices, with the prompt's cache shared and without."""
    from harness.models.language_model import load_language_model
    from harness.spec.suite import PromptView

    view = PromptView(template="{{ text }}", choices={"no": " the bank grants it", "yes": " the bank denies it"})
    model = load_language_model(str(bundled_folder("smollm2")), "m", ("no", "yes"), view, ModelOptions(device="cpu"))
    prompts = sorted(texts_of(24, seed=2, mean=60), key=len)

    def run(share):
        model.share_prompt = share
        return np.vstack([model.log_likelihoods(prompts[i : i + 8]) for i in range(0, len(prompts), 8)])

    seconds, out = measured({"shared": lambda: run(True), "apart": lambda: run(False)}, 1, repeats)
    change = np.abs(out["shared"] - out["apart"]).max()
    print(f"choices: shared {seconds['shared'][0]:.2f}, apart {seconds['apart'][0]:.2f} CPU s, "
          f"ratio {seconds['apart'][0] / seconds['shared'][0]:.2f}, change of a log-likelihood {change:.1e}")  # fmt: skip


def memory(folder):
    """Peak memory of a pass over 2,000, 20,000 and 60,000 short texts of the same lengths, each in a process of its own."""
    for dtype in ("float32", "bfloat16"):
        for count in (2_000, 20_000, 60_000):
            done = subprocess.run(
                [sys.executable, __file__, "--child", folder, dtype, str(count)],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            print(f"{dtype}, {count:,} texts: {done.stdout.strip()}")


def child(folder, dtype, count):
    torch.set_num_threads(2)
    endings = [text.partition(" ")[2] for text in texts_of(2_000, mean=12)]
    texts = [f"{i} {endings[i % len(endings)]}" for i in range(int(count))]
    asked = pass_of(folder, dtype, AnswerCache(Path(tempfile.mkdtemp()) / "c"))
    loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    asked.answers(texts)
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB (model loaded: {loaded >> 10} MB)")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--child", nargs=3)
    options = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    if options.child:
        child(*options.child)
        return
    with tempfile.TemporaryDirectory() as target:
        folder = classifier_folder(target)
        compare(folder, texts_of(options.texts), options.repeats)
        choices(options.repeats)
        onnx_parity(folder)
        if options.memory:
            memory(folder)


if __name__ == "__main__":
    main()
