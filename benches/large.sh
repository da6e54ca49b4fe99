#!/usr/bin/env bash
# Writes a large project and the same after 25 edits, for `benches/process.sh`: the policy of
# `benches/diff.rs` with as many flows as you like.
#
#   bash benches/large.sh 100000 /tmp/large
#   bash benches/process.sh /tmp/large/old 10.0.0.0/24 /tmp/large/new
#
# Of the edited flows one in three is gone, has another port or another destination.
set -euo pipefail

flows=${1:?number of flows, at least 100}
folder=${2:?folder to write to}

policy() {
  awk -v flows="$flows" -v edited="$1" 'BEGIN {
    print "vnet hub = 10.0.0.0/8"
    print "firewall azfw {\n  vnet = hub\n  subnet = 10.255.0.0/26\n  private-ip = 10.255.0.4\n}"
    ends = int(flows / 4)
    for (n = 0; n < ends; n++) {
      a = int(n / 250) % 250; b = n % 250; c = int(n / 62500)
      printf "endpoint net-%d = [10.%d.%d.%d/28, 10.%d.%d.%d/27]\n", n, a, b, c * 128, a, b, 64 + c * 128
    }
    print "group all {"
    step = int(flows / 25)
    for (n = 0; n < flows; n++) {
      edit = edited && n % step == 123 % step
      which = int(n / step) % 3
      if (edit && which == 0) continue
      verb = n % 10 == 0 ? "deny" : "allow"
      port = 1 + n * 7 % 60000 + (edit && which == 1)
      to = (n * 17 % ends + (edit && which == 2)) % ends
      printf "  %s r-%d: tcp/%d,%d from net-%d to net-%d for \"rule %d\"\n", verb, n, port, 1 + n * 13 % 60000, n * 31 % ends, to, n
    }
    print "}"
  }'
}

for side in old new; do
  mkdir -p "$folder/$side"
  policy "$([ "$side" = new ] && echo 1 || echo 0)" > "$folder/$side/policy.gate"
done
