# Sourced by tests/wheel.sh: the audit uses exactly what a model returned, or says why not.
python -m pip install -q -c "$root/constraints.txt" xgboost-cpu
cp "$root/tests/answers_inputs.py" . && python answers_inputs.py
is() { local got; got=$(python answers_inputs.py measured "$1" "$2")
  [ "$got" = "$3" ] || { echo "FAILED: $2 of $1 is $got, wanted $3"; exit 1; }; echo "ok $2 of $1 is $3"; }
columns="--label-map output_0=no --label-map output_1=yes"
decides harness audit answers.yaml --model softmax.onnx $columns -o softmax.json
accuracy=$(python answers_inputs.py measured softmax.json performance.accuracy)
area=$(python answers_inputs.py measured softmax.json performance.roc_auc)
expect 2 harness audit answers.yaml --model logits.onnx $columns -o logits.json
grep -q -- "--scores probability|log_probability|logit|decision_function" err.txt
[ ! -e logits.json ]
decides harness audit answers.yaml --model logits.onnx $columns --scores logit -o logits.json
is logits.json performance.accuracy "$accuracy"
is logits.json performance.roc_auc "$area"
is logits.json model.label_contradicts_score 0.0
decides harness audit answers.yaml --model own.onnx $columns -o own.json
is own.json performance.roc_auc "$area"
[ "$(python answers_inputs.py measured own.json performance.accuracy)" != "$accuracy" ]
python -c 'import answers_inputs as a; assert a.measured("own.json", "model.label_contradicts_score") > 10'
expect 2 harness audit answers.yaml --model xgb.skops -o xgb.json
grep -q -- "--label-map '0'='no' --label-map '1'='yes'" err.txt
decides harness audit answers.yaml --model xgb.skops --label-map 0=no --label-map 1=yes -o xgb.json
sed 's/loans.csv/three.csv/; s/positive: "yes", favourable: "yes"/favourable: "yes"/; s/performance.roc_auc, at_least: 0.6/performance.accuracy, at_least: 0.3/' answers.yaml > three.yaml
decides harness audit three.yaml --model unlearned.skops -o unlearned.json
is unlearned.json model.unlearned_classes 1.0
decides harness audit answers.yaml --model python:their_answers:named -o named.json
decides harness audit answers.yaml --model python:their_answers:shuffled -o shuffled.json
is shuffled.json performance.accuracy "$(python answers_inputs.py measured named.json performance.accuracy)"
python -c 'import answers_inputs as a; assert a.measured("named.json", "performance.roc_auc") > 0.75'
expect 1 harness audit answers.yaml --model python:their_answers:unfinished -o unfinished.json
is unfinished.json model.not_finite_answers 200.0
# Ids as they are written, from `harness rows` to the audit.
for kind in padded long decimal exponent; do
  expect 0 harness rows $kind.yaml --role test -o $kind-rows.csv
  python answers_inputs.py scored $kind-rows.csv $kind-scores.csv
  decides harness audit $kind.yaml --model $kind-scores.csv -o $kind.json
  is $kind.json performance.accuracy "$(python answers_inputs.py measured named.json performance.accuracy)"
done
# Servers, as current families behave: audited alike, or refused in their own words.
cp "$root/tests/answers_server.py" .
server() { python answers_server.py "$1" harness audit asked.yaml --model SERVER -o "$1.json"; }
decides server plain
said=$(python answers_inputs.py measured plain.json performance.accuracy)
for habit in completion-tokens no-temperature no-logprobs no-seed busy parts thinks; do
  decides server $habit
  is $habit.json performance.accuracy "$said"
done
expect 2 server error-in-200
grep -q "context too long" err.txt
expect 2 server truncated
grep -q -- "--max-tokens" err.txt
[ ! -e truncated.json ]
