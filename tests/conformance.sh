#!/usr/bin/env bash
# Has every committed output judged by validators that share no code with the compiler: Microsoft's
# swagger, the ARM template schema, the SDK's models and the Bicep types, run by validate.py.
# They judge form, not meaning. The validators live beside the repository (../shared/validators) or
# where PORTCULLIS_VALIDATORS says; without them this script says so and succeeds, unless --required.
#
# usage: tests/conformance.sh [--required]
# exit: 0 accepted or skipped, 1 rejected or nothing to judge, 2 wrong usage, 3 the tools cannot run
set -euo pipefail

required=no
case "${1-}" in
  "") ;;
  --required) required=yes ;;
  *) echo "usage: tests/conformance.sh [--required]" >&2; exit 2 ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
validators="${PORTCULLIS_VALIDATORS:-../shared/validators}"
if [ ! -f "$validators/validate.py" ]; then
  echo "conformance: SKIPPED, nothing was judged: no validate.py in $validators"
  if [ "$required" = yes ]; then exit 1; fi
  exit 0
fi

# Folders that do not exist yet are no fault.
roots=()
for pattern in "policies/*/out" "examples/*/out" "tests/cases"; do
  # shellcheck disable=SC2206 # the pattern is to be expanded
  for root in $pattern; do
    if [ -d "$root" ]; then roots+=("$root"); fi
  done
done

files=()
if [ "${#roots[@]}" -gt 0 ]; then
  while IFS= read -r -d '' file; do
    case "$file" in
      # Our own documents, which Azure does not know.
      */manifest.json | */diagnostics.json | *.diagnostics.json) ;;
      # Below tests/cases only what is expected as output.
      tests/cases/*/expect/*) files+=("$file") ;;
      tests/cases/*) ;;
      *) files+=("$file") ;;
    esac
  done < <(find "${roots[@]}" -type f -name '*.json' -print0 | LC_ALL=C sort -z)
fi

if [ "${#files[@]}" -eq 0 ]; then
  echo "conformance: no output found to judge"
  if [ "$required" = yes ]; then exit 1; fi
  exit 0
fi

echo "conformance: ${#files[@]} files"
report="$(mktemp)"
trap 'rm -f "$report"' EXIT
code=0
python3 "$validators/validate.py" "${files[@]}" >"$report" 2>&1 || code=$?
if [ "$code" -ne 0 ]; then
  # Only the files with a fault, each with the validators that reject it.
  awk '/^[^ ].*resource\(s\)/ { head = $0 } /REJECT|nothing to check/ { if (head != "") print head; head = ""; print; next }
       /^        / { print; next } !/^ / && !/resource\(s\)/ { print }' "$report"
else
  tail -n 1 "$report"
fi
case "$code" in
  0) echo "conformance: every file is accepted" ;;
  1) echo "conformance: REJECTED (see above)" ;;
  *) echo "conformance: the validators could not judge (exit $code)"; code=3 ;;
esac
exit "$code"
