#!/usr/bin/env bash
# Compares the two commits: summary, annotations, and a folder with every form.
#
# in: PROGRAM, PROJECT_PATH, PROJECT, BASE, HEAD, AS_OF, ENVIRONMENTS, FAIL_ON, ACCEPT, LABEL_PREFIX,
#     LABELS, MAX_BYTES
# out: exit, verdict, risk, folder, markdown, sarif, project
# exit: 0; the job is judged at its end
set -euo pipefail

folder="$RUNNER_TEMP/portcullis-diff"
rm -rf "$folder"
mkdir -p "$folder"

# Puts each part of a list with commas or white space behind a flag.
arguments=()
each() {
  local flag="$1" part parts
  IFS=$', \t\n' read -r -d '' -a parts < <(printf '%s\0' "$2") || true
  for part in "${parts[@]}"; do
    if [ -n "$part" ]; then arguments+=("$flag=$part"); fi
  done
}

each --env "${ENVIRONMENTS:-}"
each --fail-on "${FAIL_ON:-}"
each --accept "${ACCEPT:-}"
if [ -n "${LABEL_PREFIX:-}" ]; then
  # A label may hold blanks: only commas part labels.
  IFS=, read -r -d '' -a labels < <(printf '%s\0' "${LABELS:-}") || true
  for label in "${labels[@]}"; do
    id="${label#"$LABEL_PREFIX"}"
    # Whoever may label may accept; whoever may not cannot slip in another flag.
    if [ "$id" != "$label" ] && [[ "$id" =~ ^sem-[0-9a-z]+$ ]]; then arguments+=("--accept=$id"); fi
  done
fi

code=0
"$PROGRAM" diff "$BASE" "$HEAD" "$PROJECT_PATH" --as-of "${AS_OF:-none}" "${arguments[@]}" \
  --format markdown -o "$folder/diff.md" --max-bytes "${MAX_BYTES:-65000}" --step-summary \
  --also "json=$folder/diff.json" --also "sarif=$folder/diff.sarif" --also "html=$folder/diff.html" \
  --also "github=$folder/annotations.txt" || code=$?

verdict="" risk="" sarif="" markdown=""
if [ "$code" -eq 0 ] || [ "$code" -eq 4 ]; then
  if [ -f "$folder/annotations.txt" ]; then cat "$folder/annotations.txt"; fi
  if [ -f "$folder/diff.sarif" ]; then sarif="$folder/diff.sarif"; fi
  if [ -f "$folder/diff.md" ]; then markdown="$folder/diff.md"; fi
  # The summary stands near the beginning, before anything else that has a verdict.
  start="$(head -c 16384 "$folder/diff.json")"
  space='[[:space:]]*'
  if [[ "$start" =~ \"verdict\":$space\"([a-z-]+)\" ]]; then verdict="${BASH_REMATCH[1]}"; fi
  if [[ "$start" =~ \"max\":$space\"([a-z]+)\" ]]; then risk="${BASH_REMATCH[1]}"; fi
else
  {
    printf '## Portcullis: not compared\n\n'
    # shellcheck disable=SC2016 # marks of Markdown, not a command
    printf '`portcullis diff %s %s` ended with %s; the log of the run says why.\n' "$BASE" "$HEAD" "$code"
  } >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
fi
rm -f "$folder/annotations.txt"

# The project's name is needed only where there is no comment that has it.
project="${PROJECT:-}"
if [ -z "$project" ]; then
  place="$PROJECT_PATH"
  if [ ! -d "$place" ]; then place="$(dirname -- "$place")"; fi
  project="$(sed -n 's/^project:[[:space:]]*["'\'']\{0,1\}\([^"'\''#]*[^"'\''#[:space:]]\).*$/\1/p' \
    "$place/portcullis.yaml" 2>/dev/null | head -n 1)" || project=""
  if [ -z "$project" ]; then project="$(basename -- "$(cd -- "$place" && pwd)")"; fi
fi

# A name of the user with a line break cannot become an output of its own.
{
  printf 'exit=%s\nverdict=%s\nrisk=%s\n' "$code" "$verdict" "$risk"
  printf 'folder=%s\nmarkdown=%s\nsarif=%s\n' "$folder" "$markdown" "$sarif"
  printf 'project=%s\n' "${project//[$'\r\n']/ }"
} >>"$GITHUB_OUTPUT"
