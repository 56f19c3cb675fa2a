# Sourced by tests/wheel.sh after answers.sh: what the disk refuses, hostile names, rows by hash, keys in addresses.
expect 2 harness rows answers.yaml --role test -o /dev/full
expect 2 harness audit answers.yaml --model python:their_answers:named -o "$(printf 'x%.0s' {1..300}).json"
expect 2 harness fit answers.yaml --base sklearn:logistic-regression -o .
[ -z "$(compgen -G ".*.part")" ]
python answers_inputs.py hostile
decides harness audit hostile.yaml --model python:their_answers:named -o hostile.html -o hostile.json -o github=hostile.txt -o hostile.md
lacks '[\x0b\x1b]' out.txt hostile.html hostile.txt hostile.md
lacks '^::error::planted' out.txt hostile.txt hostile.md
expect 0 harness verify hostile.json
python -c 'import secrets; print(secrets.token_hex(32))' > key.txt
expect 0 harness rows answers.yaml --role test -o hashed.csv --id-key key.txt
head -1 hashed.csv | grep -q row_hash
expect 2 harness audit asked.yaml --model "http://127.0.0.1:9/v1?api_key=sk-planted0123456789#m" -o key.json
grep -q HARNESS_API_KEY err.txt
lacks sk-planted err.txt
