#!/usr/bin/env bash
# Finds the two commits to compare, and fetches the base into a shallow clone.
#
# A pull request is checked out as the commit that merges it: its first parent is the base then, and the
# difference is what merging changes. If the head itself is checked out, the base is where the two parted.
#
# in: BASE, HEAD, if the user named them; PULL_BASE, PULL_HEAD, GROUP_BASE, PUSH_BASE of the event
# out: base, head, in full; base is empty if there is nothing to compare with
# exit: 0, or 2 if a commit cannot be had
set -euo pipefail

fail() {
  printf '::error title=Portcullis::%s\n' "$1"
  exit 2
}

# Text of a user as the data of a workflow command.
data() {
  local text="${1//'%'/%25}"
  text="${text//$'\r'/%0D}"
  printf '%s' "${text//$'\n'/%0A}"
}

# The commit of a revision in full; fails if the clone does not have it.
commit() { git rev-parse --verify --quiet --end-of-options "$1^{commit}"; }

# The commit of a revision that may have to be fetched.
fetched() {
  local name="$1"
  # git repeats names in its messages: a line break would make a command of the rest.
  case "$name" in -* | *[[:cntrl:]]*) return 1 ;; esac
  commit "$name" && return 0
  git fetch --quiet --no-tags --depth=1 origin "${name#origin/}" >&2 && commit FETCH_HEAD
}

git rev-parse --is-inside-work-tree >/dev/null 2>&1 ||
  fail "no git repository here: run actions/checkout before this action, and name its folder with working-directory"

head="$(fetched "${HEAD:-HEAD}")" || fail "the revision $(data "$HEAD") of the input head is not in this repository"

base=""
if [ -n "${BASE:-}" ]; then
  base="$(fetched "$BASE")" || fail "the revision $(data "$BASE") of the input base is not in this repository"
elif [ -n "${PULL_BASE:-}" ]; then
  # A shallow clone hides parents from git log; the commit itself still names them.
  parents=()
  while IFS= read -r line; do
    case "$line" in
      "") break ;;
      "parent "*) parents+=("${line#parent }") ;;
    esac
  done < <(git cat-file commit "$head")
  if [ "${#parents[@]}" -eq 2 ] && [ "${parents[1]}" = "$PULL_HEAD" ]; then
    base="$(fetched "${parents[0]}")" ||
      fail "the base ${parents[0]} is not in this clone and cannot be fetched: give actions/checkout fetch-depth: 0"
  else
    tip="$(fetched "$PULL_BASE")" ||
      fail "the base $PULL_BASE is not in this clone and cannot be fetched: give actions/checkout fetch-depth: 0"
    if ! base="$(git merge-base "$tip" "$head" 2>/dev/null)"; then
      if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
        git fetch --quiet --no-tags --unshallow origin "$tip" "$head" || true
      fi
      if ! base="$(git merge-base "$tip" "$head" 2>/dev/null)"; then
        echo "::notice title=Portcullis::where the branches parted is not known, so the tip of the base is compared"
        base="$tip"
      fi
    fi
  fi
elif [ -n "${GROUP_BASE:-}" ]; then
  base="$(fetched "$GROUP_BASE")" ||
    fail "the base $GROUP_BASE of the merge group is not in this clone and cannot be fetched: give actions/checkout fetch-depth: 0"
elif [ -n "${PUSH_BASE:-}" ] && [ -n "${PUSH_BASE//0/}" ]; then
  # After a forced push the old tip may be gone; then there is nothing to compare with.
  base="$(fetched "$PUSH_BASE")" || base=""
fi

if [ -z "$base" ]; then
  echo "::notice title=Portcullis::there is no base to compare with, so only the checks run"
fi
{
  printf 'base=%s\n' "$base"
  printf 'head=%s\n' "$head"
} >>"$GITHUB_OUTPUT"
