"""The text pass on an accelerator: against transformers' pipeline, a bare loop and the processor, with MiniLM and SmolLM2.

python benchmarks/accelerator.py [--device cuda] [--texts 20000] [--prompts 256] [--repeats 3] [--profile]

Wall seconds (a processor waits while the device works, so its CPU seconds say little), medians, the variants taking turns;
beside each the largest change of a probability against float32 on the processor and the labels that turn.
"""

import argparse
import cProfile
import pstats
import statistics
import tempfile
import time

import numpy as np
import transformers
from text_pass import by_bare_loop, by_pipeline, classifier_folder, texts_of

from harness.engine.cache import AnswerCache
from harness.engine.progress import silent
from harness.engine.text_pass import Limits, TextPass
from harness.models.bundled import bundled_folder
from harness.models.language_model import load_language_model
from harness.models.options import ModelOptions
from harness.models.transformers_classifier import load_classifier
from harness.spec.suite import PromptView


def pass_on(device, folder, dtype="float32", budget=None):
    model = load_classifier(folder, "m", ("no", "yes"), ModelOptions(dtype=dtype, device=device))
    model.batch_tokens = budget or model.batch_tokens
    return model


def fresh(model, texts):
    return TextPass(model, None, AnswerCache(None), Limits(), silent).answers(texts)[:, 1:]


def taking_turns(runs, repeats):
    """Median wall seconds of each run and its last answer; each runs once before, to warm up."""
    out = {name: run() for name, run in runs.items()}
    seconds = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            start = time.perf_counter()
            out[name] = run()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in seconds.items()}, out


def on_device(bare, device):
    """The bare loop's model with its inputs moved for it."""
    return lambda **inputs: bare(**{name: value.to(device) for name, value in inputs.items()})


def classifier(folder, device, texts, repeats, sample=1000):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    plain = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval().to(device)
    pipe = transformers.pipeline("text-classification", model=plain, tokenizer=tokenizer, device=device)
    models = {dtype: pass_on(device, folder, dtype) for dtype in ("float32", "bfloat16", "float16")}
    budget = models["float32"].batch_tokens

    def bare():
        found = _Cpu(on_device(plain, device))
        return by_bare_loop(found, tokenizer, texts, budget)

    runs = {
        "pipeline, batch 32": lambda: by_pipeline(pipe, texts, 32),
        "bare sorted loop": bare,
        **{f"harness {dtype}": lambda model=model: fresh(model, texts) for dtype, model in models.items()},
    }
    for size in (2048, 8192, 131072):
        model = pass_on(device, folder, budget=size)
        runs[f"harness float32, {size} tokens"] = lambda model=model: fresh(model, texts)
    seconds, out = taking_turns(runs, repeats)
    reference = fresh(pass_on("cpu", folder), texts[:sample])
    print(f"{len(texts)} texts on {device}, batches of {budget} tokens; changes are of the first {sample}")
    for name in runs:
        found = out[name][:sample]
        turned = int((found.argmax(1) != reference.argmax(1)).sum())
        print(f"{name:32} {seconds[name]:8.2f} s  {np.abs(found - reference).max():.1e}, {turned}", flush=True)


class _Cpu:
    """A model whose logits come back to the processor, as the bare loop wants them."""

    def __init__(self, model):
        self._model = model

    def __call__(self, **inputs):
        out = self._model(**inputs)
        out.logits = out.logits.cpu()
        return out


def language_model(device, count, repeats):
    view = PromptView(template="{{ text }}", choices={"no": " the bank grants it", "yes": " the bank denies it"})
    folder = str(bundled_folder("smollm2"))
    prompts = sorted(texts_of(count, seed=2, mean=60), key=len)

    def opened(where, dtype="float32"):
        return load_language_model(folder, "m", ("no", "yes"), view, ModelOptions(device=where, dtype=dtype))

    models = {dtype: opened(device, dtype) for dtype in ("float32", "bfloat16")}

    def run(dtype, share):
        models[dtype].share_prompt = share
        return np.vstack([models[dtype].log_likelihoods(prompts[i : i + 64]) for i in range(0, len(prompts), 64)])

    runs = {
        f"{dtype}, {'shared' if share else 'apart'}": lambda dtype=dtype, share=share: run(dtype, share)
        for dtype in models
        for share in (True, False)
    }
    seconds, out = taking_turns(runs, repeats)
    reference = opened("cpu").log_likelihoods(prompts[:16])
    for name in runs:
        print(
            f"SmolLM2, {name:18} {seconds[name]:8.3f} s  log-likelihood {np.abs(out[name][:16] - reference).max():.1e}"
        )
    said = [opened(where).generate(prompts[:8], tokens=24) for where in ("cpu", device)]
    print(f"greedy answers alike: {sum(a == b for a, b in zip(*said, strict=True))} of 8", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--prompts", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    texts = texts_of(options.texts)
    with tempfile.TemporaryDirectory() as target:
        folder = classifier_folder(target)
        if options.profile:
            model = pass_on(options.device, folder)
            fresh(model, texts)
            with cProfile.Profile() as profile:
                fresh(model, texts)
            pstats.Stats(profile).sort_stats("tottime").print_stats(18)
        classifier(folder, options.device, texts, options.repeats)
        if options.prompts:
            language_model(options.device, options.prompts, options.repeats)


if __name__ == "__main__":
    main()
