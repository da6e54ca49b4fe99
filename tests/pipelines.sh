#!/usr/bin/env bash
# Has what runs in continuous integration judged by others: the action, the workflow and the pipeline by
# their published schemas, the hooks by pre-commit, the scripts by shellcheck, what is written for code
# scanning by the SARIF schema and by Microsoft's multitool, and charts by Mermaid.
#
# The tools come from PyPI, npm and Debian, into a folder of the user's cache; each that cannot be had is
# skipped with the reason. The SARIF schema is beside the validators (../shared/validators, or where
# PORTCULLIS_VALIDATORS says).
#
# usage: tests/pipelines.sh [--required]   with --required nothing may be skipped
# exit: 0 accepted or skipped, 1 rejected, 2 wrong usage
set -euo pipefail

required=no
case "${1-}" in
  "") ;;
  --required) required=yes ;;
  *) echo "usage: tests/pipelines.sh [--required]" >&2; exit 2 ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
validators="${PORTCULLIS_VALIDATORS:-../shared/validators}"
tools="${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/portcullis-ci"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
code=0

skipped() {
  echo "pipelines: SKIPPED $1: $2"
  if [ "$required" = yes ]; then code=1; fi
}

# good NAME COMMAND...: is accepted.
good() {
  local name="$1"
  shift
  if "$@" >"$work/said" 2>&1; then
    echo "ok: $name"
  else
    echo "REJECTED: $name"
    cut -c 1-400 "$work/said"
    code=1
  fi
}

# bad NAME COMMAND...: is refused, so that the judge is known to judge.
bad() {
  local name="$1"
  shift
  if "$@" >"$work/said" 2>&1; then
    echo "NOT REFUSED: $name"
    code=1
  fi
}

# The tools of PyPI.
python_tools() {
  [ -x "$tools/bin/check-jsonschema" ] && [ -x "$tools/bin/pre-commit" ] && return 0
  command -v python3 >/dev/null || return 1
  python3 -m venv "$tools" >/dev/null 2>&1 || return 1
  "$tools/bin/pip" install --quiet check-jsonschema==0.39.0 pre-commit==4.7.0 >"$work/pip" 2>&1
}

if python_tools; then
  schema() { "$tools/bin/check-jsonschema" --builtin-schema "vendor.$1" --regex-variant nonunicode "$2"; }
  good "action.yml" schema github-actions action.yml
  good "examples/ci/github.yml" schema github-workflows examples/ci/github.yml
  good "examples/ci/azure-pipelines.yml" schema azure-pipelines examples/ci/azure-pipelines.yml
  good ".pre-commit-hooks.yaml" "$tools/bin/pre-commit" validate-manifest .pre-commit-hooks.yaml
  sed 's/using: composite/using: composed/' action.yml >"$work/action.yml"
  sed 's/runs-on:/runs_on:/' examples/ci/github.yml >"$work/github.yml"
  sed 's/fetchDepth:/fetchDepths:/' examples/ci/azure-pipelines.yml >"$work/azure.yml"
  sed 's/entry:/entries:/' .pre-commit-hooks.yaml >"$work/hooks.yaml"
  bad "a damaged action" schema github-actions "$work/action.yml"
  bad "a damaged workflow" schema github-workflows "$work/github.yml"
  bad "a damaged pipeline" schema azure-pipelines "$work/azure.yml"
  bad "damaged hooks" "$tools/bin/pre-commit" validate-manifest "$work/hooks.yaml"
else
  skipped "schemas and hooks" "check-jsonschema and pre-commit cannot be installed from PyPI"
fi

# Scripts, also those that stand in YAML.
if command -v shellcheck >/dev/null; then
  if "$tools/bin/python" -c 'import ruamel.yaml' 2>/dev/null; then
    "$tools/bin/python" - "$work" <<'SCRIPT'
import sys
from pathlib import Path
from ruamel.yaml import YAML

for file in ("action.yml", "examples/ci/github.yml", "examples/ci/azure-pipelines.yml"):
    tree = YAML(typ="safe").load(Path(file).read_text())
    lists = [tree.get("steps") or tree.get("runs", {}).get("steps") or []]
    lists += [job["steps"] for job in tree.get("jobs", {}).values()]
    for steps in lists:
        for at, step in enumerate(steps):
            script = step.get("run") or step.get("bash")
            if script:
                name = f"{Path(file).stem}-{at + 1}.bash"
                Path(sys.argv[1], name).write_text("#!/usr/bin/env bash\n" + script)
SCRIPT
    good "scripts in YAML" shellcheck --severity=warning "$work"/*.bash
  else
    skipped "scripts in YAML" "no reader of YAML"
  fi
  good "scripts" shellcheck --severity=warning action/*.sh tests/*.sh .ci/run
  # shellcheck disable=SC2016 # the fault is meant
  printf '#!/bin/bash\nrm $1\n' >"$work/bad.sh"
  bad "a careless script" shellcheck "$work/bad.sh"
else
  skipped "scripts" "shellcheck is not installed"
fi

# What is written for code scanning: a difference, and diagnostics.
logs=(tests/cases/forge-forms/diff.sarif)
program="${CARGO_TARGET_DIR:-target}/debug/portcullis"
if [ -x "$program" ]; then
  # A policy with faults has a log with results.
  for fixture in tests/diagnostics/PC1004-*.gate tests/diagnostics/PC6009-*.gate; do
    log="$work/$(basename "$fixture").sarif"
    "$program" check "$fixture" --format sarif --diagnostics "$log" >/dev/null 2>&1 || true
    logs+=("$log")
  done
  "$program" diff examples/first examples/ordered --format sarif -o "$work/examples.sarif"
  logs+=("$work/examples.sarif")
fi
if [ ! -f "$validators/sarif/sarif-2.1.0.json" ]; then
  skipped "SARIF by its schema" "no sarif-2.1.0.json in $validators/sarif"
elif [ ! -x "$tools/bin/check-jsonschema" ]; then
  skipped "SARIF by its schema" "no check-jsonschema"
else
  for log in "${logs[@]}"; do
    good "$(basename "$log") by its schema" "$tools/bin/check-jsonschema" --schemafile "$validators/sarif/sarif-2.1.0.json" "$log"
  done
  sed 's/"startLine": 90/"startLine": 0/' "${logs[0]}" >"$work/bad.sarif"
  bad "a damaged log" "$tools/bin/check-jsonschema" --schemafile "$validators/sarif/sarif-2.1.0.json" "$work/bad.sarif"
fi

multitool="$tools/npm/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"
if [ ! -x "$multitool" ] && command -v npm >/dev/null; then
  npm install --silent --prefix "$tools/npm" @microsoft/sarif-multitool@5.7.0 >"$work/npm" 2>&1 || true
fi
if [ -x "$multitool" ]; then
  # Its exit code says nothing: what it finds is in its own log, and an error is one that it names so.
  accepted() {
    "$multitool" validate "$1" -o "$work/found.sarif" --log ForceOverwrite >"$work/multitool" 2>&1 || return 1
    if grep ': error ' "$work/multitool"; then return 1; fi
    grep -q 'Analysis completed successfully' "$work/multitool"
  }
  for log in "${logs[@]}"; do
    good "$(basename "$log") by the multitool" accepted "$log"
  done
  sed 's/"ruleIndex": 1,/"ruleIndex": 99,/' "${logs[0]}" >"$work/index.sarif"
  bad "a log with a rule that is not there" accepted "$work/index.sarif"
else
  skipped "SARIF by the multitool" "@microsoft/sarif-multitool cannot be installed from npm"
fi

# What is written for people: the charts of step summaries.
charts="$tools/charts"
if [ ! -d "$charts/node_modules/mermaid" ] && command -v npm >/dev/null; then
  npm install --silent --ignore-scripts --prefix "$charts" mermaid@12.3.0 jsdom@29.1.1 >"$work/npm" 2>&1 || true
fi
if [ -d "$charts/node_modules/mermaid" ]; then
  cp tests/charts.mjs "$charts/charts.mjs"
  good "charts by Mermaid" node "$charts/charts.mjs" tests/cases/review-text/*.md
  sed 's/ ==>|/ =>>|/' tests/cases/review-text/step-summary.md >"$work/chart.md"
  bad "a damaged chart" node "$charts/charts.mjs" "$work/chart.md"
else
  skipped "charts by Mermaid" "mermaid cannot be installed from npm"
fi

if [ "$code" -eq 0 ]; then echo "pipelines: nothing is rejected"; fi
exit "$code"
