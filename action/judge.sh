#!/usr/bin/env bash
# Fails the job if something before did, after everything is told.
#
# in: CHECKS, DIFF (exit code, empty if nothing was compared), FAIL_ON, SARIF (outcome of the upload)
# exit: 0, or 1
set -euo pipefail

code=0
say() {
  printf '::error title=Portcullis::%s\n' "$1"
  code=1
}

if [ -n "${CHECKS:-}" ]; then say "did not pass: $CHECKS"; fi
case "${DIFF:-}" in
  "" | 0) ;;
  4) say "a condition of fail-on holds: ${FAIL_ON//[$'\r\n']/ }" ;;
  1) say "a side of the comparison has errors" ;;
  *) say "the comparison could not run (exit $DIFF)" ;;
esac
if [ "${SARIF:-}" = failure ]; then
  echo "::notice title=Portcullis::the upload to code scanning failed: it needs the permission security-events: write, and code scanning turned on; sarif: false leaves it out"
fi
exit "$code"
