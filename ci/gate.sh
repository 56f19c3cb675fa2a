#!/usr/bin/env bash
# The release gate: one script for the GitHub Action, the GitLab job and a terminal.
#
#   gate.sh install   installs this checkout (or GATE_VERSION of the package) by pip, with the constraints
#   gate.sh audit     audits, writes every output into GATE_OUTPUT and tells the CI system; ends with 0 whatever comes out
#   gate.sh decide    ends with the audit's exit code: 0 pass, 1 blocked, 2 wrong input, 3 incomplete, 70 internal error
#
# It is told by environment variables only, so that no value is ever read as shell code: GATE_SUITE and GATE_MODEL; as
# wished GATE_POLICY, GATE_BASELINE, GATE_DATA, GATE_TRAIN_DATA, GATE_OUTPUT, GATE_FAIL_ON_INCOMPLETE, GATE_EXTRAS,
# GATE_VERSION. Every other option of `harness audit` has a variable of its own, for example HARNESS_AUDIT_ROWS.
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${GATE_OUTPUT:-harness-gate}
outputs=(audit.json report.html junit.xml summary.md audit.sarif github=annotations.txt)

install() {
  local extras="${GATE_EXTRAS:+[$GATE_EXTRAS]}"
  local wanted="$checkout$extras"
  if [ -n "${GATE_VERSION:-}" ]; then wanted="vertical-harness$extras==$GATE_VERSION"; fi
  quoted python -m pip install -q -c "$checkout/constraints.txt" "$wanted"
}

audit() {
  wanted GATE_SUITE "${GATE_SUITE:-}"
  wanted GATE_MODEL "${GATE_MODEL:-}"
  local options=(--model="$GATE_MODEL") targets=() name code=0
  if [ -n "${GATE_BASELINE:-}" ]; then options+=(--baseline="$GATE_BASELINE"); fi
  if [ -n "${GATE_DATA:-}" ]; then options+=(--data="$GATE_DATA"); fi
  if [ -n "${GATE_TRAIN_DATA:-}" ]; then options+=(--train-data="$GATE_TRAIN_DATA"); fi
  mkdir -p "$folder" || refuse "the folder $folder can't be made."
  for name in "${outputs[@]}"; do
    rm -f "$folder/${name#*=}" # the verdict of an earlier run must not pass for this one's
    case $name in *=*) targets+=(--output="${name%%=*}=$folder/${name#*=}") ;; *) targets+=(--output="$folder/$name") ;; esac
  done
  quoted run_audit || code=$?
  echo "$code" > "$folder/exit-code"
  tell "$code"
}

run_audit() {
  if [ -z "${GATE_POLICY:-}" ]; then
    harness audit "${options[@]}" "${targets[@]}" -- "$GATE_SUITE"
    return
  fi
  local code=0 # of the suite's own policy, which is not asked
  harness audit "${options[@]}" --output="$folder/audit.json" -- "$GATE_SUITE" > /dev/null || code=$?
  case $code in
    0 | 1 | 3) harness judge --policy="$GATE_POLICY" "${targets[@]}" -- "$folder/audit.json" ;;
    *) return "$code" ;;
  esac
}

decide() {
  local code loose=${GATE_FAIL_ON_INCOMPLETE:-true}
  case $loose in true | false) ;; *) refuse "GATE_FAIL_ON_INCOMPLETE is '$loose'. Wanted: true or false." ;; esac
  if [ ! -f "$folder/exit-code" ]; then refuse "$folder holds no exit-code. Run 'gate.sh audit' first."; fi
  code=$(< "$folder/exit-code")
  if [ "$code" = 3 ] && [ "$loose" = false ]; then
    echo "The verdict is incomplete, and an incomplete verdict was asked not to block."
    code=0
  fi
  exit "$code"
}

# What the audit prints may hold names from the data: GitHub must not read a line of it as a command.
quoted() {
  if [ "${GITHUB_ACTIONS:-}" != true ]; then "$@"; return; fi
  local token code=0
  token=$(python -I -c 'import secrets; print(secrets.token_hex(16))')
  echo "::stop-commands::$token"
  "$@" || code=$?
  echo "::$token::"
  return "$code"
}

tell() {
  local verdict=none digest=""
  case $1 in
    0 | 1 | 3) read -r verdict digest < <(python -I -c 'import json, sys
record = json.load(open(sys.argv[1], encoding="utf-8"))
print(record["verdict"]["outcome"], record["evidence_digest"])' "$folder/audit.json") ;;
    *)
      rm -f "$folder/audit.json"
      echo "::error title=vertical-harness::There is no verdict (exit code $1). The log says why." > "$folder/annotations.txt"
      echo "There is no verdict (exit code $1). The log says why." > "$folder/summary.md"
      ;;
  esac
  if [ "${GITHUB_ACTIONS:-}" = true ]; then cat "$folder/annotations.txt"; fi
  if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$folder/summary.md" >> "$GITHUB_STEP_SUMMARY"; fi
  if [ -n "${GITHUB_OUTPUT:-}" ]; then
    printf '%s\n' "verdict=$verdict" "exit-code=$1" "evidence-digest=$digest" "report=$folder/report.html" "folder=$folder" >> "$GITHUB_OUTPUT"
  fi
}

wanted() { if [ -z "$2" ]; then refuse "$1 is not set."; fi; }

refuse() {
  echo "gate.sh: ${1//[[:cntrl:]]/?}" >&2 # a line of its own could be a command of the CI system
  exit 2
}

case $folder in *[[:cntrl:]]*) refuse "GATE_OUTPUT holds a line end or another control character: $folder" ;; esac
case ${1:-} in
  install | audit | decide) "$1" ;;
  *) refuse "wanted one of: install, audit, decide." ;;
esac
