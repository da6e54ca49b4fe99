#!/usr/bin/env bash
# Time and memory of whole processes, start included, on a project: what the benches beside this file
# leave out. Wall seconds and peak MiB, the best of three.
#
#   cargo build --release
#   bash benches/process.sh FOLDER [ENDPOINT [CHANGED]]
#
# FOLDER holds the project; ENDPOINT is what `query --to` asks about (10.0.0.0/24 if not given); CHANGED is the
# project after a change, for `diff`. To set
# another tool beside it, time that one in the same way, in the same run, on the same machine, and quote
# the ratio.
set -euo pipefail

folder=${1:?folder of a project}
endpoint=${2:-10.0.0.0/24}
changed=${3:-}
program=$(cd "$(dirname "$0")/.." && pwd)/target/release/portcullis
packets=$(mktemp)
trap 'rm -f "$packets"' EXIT

# 100,000 packets between private addresses, the same in every run.
awk 'BEGIN {
  srand(7)
  for (n = 0; n < 100000; n++)
    printf "{\"protocol\":\"tcp\",\"source\":\"10.%d.%d.4\",\"destination\":\"10.%d.%d.4\",\"port\":%d}\n",
      rand() * 40, rand() * 250, rand() * 40, rand() * 250, 1 + rand() * 60000
}' > "$packets"

measure() {
  local name=$1
  shift
  local best="" peak="" seconds kib
  for _ in 1 2 3; do
    # Diagnostics of the project are not what is measured: 1 is as good as 0 here.
    read -r seconds kib < <(python3 - "$@" <<'PY'
import resource, subprocess, sys, time
start = time.monotonic()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
PY
)
    if [ -z "$best" ] || awk "BEGIN { exit !($seconds < $best) }"; then
      best=$seconds
      peak=$kib
    fi
  done
  awk "BEGIN { printf \"%-28s %8.2f s %7d MiB\n\", \"$name\", $best, $peak / 1024 }"
}

quiet=(-C "$folder" --quiet)
measure "check, with the proof" "$program" "${quiet[@]}" check --limits off
measure "check --no-prove" "$program" "${quiet[@]}" check --limits off --no-prove
measure "lint" "$program" "${quiet[@]}" lint
measure "explain one packet" "$program" "${quiet[@]}" explain tcp 10.0.0.4 10.1.0.4:443
measure "explain 100,000 packets" "$program" "${quiet[@]}" explain --flows "$packets" --format json
measure "query --to $endpoint" "$program" "${quiet[@]}" query --to "$endpoint"
if [ -n "$changed" ]; then
  measure "diff" "$program" --quiet diff "$folder" "$changed"
  measure "diff --format json" "$program" --quiet diff "$folder" "$changed" --format json
fi
