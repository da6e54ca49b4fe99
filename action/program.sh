#!/usr/bin/env bash
# Finds the program: the one that is named, the one in the cache, or one that is built here.
#
# in: BINARY, FOLDER (of the cache), GITHUB_ACTION_PATH
# out: binary
# exit: 0, or 2 if there is none
set -euo pipefail

fail() {
  printf '::error title=Portcullis::%s\n' "$1"
  exit 2
}

if [ -n "$BINARY" ]; then
  case "$BINARY" in
    */*) program="$BINARY" ;;
    *) program="$(command -v -- "$BINARY")" || fail "the input binary names a program that is not on the PATH" ;;
  esac
  [ -x "$program" ] || fail "the input binary names no program that can be run"
else
  program="$FOLDER/portcullis"
  if [ ! -x "$program" ]; then
    command -v cargo >/dev/null ||
      fail "cargo is not here: install Rust 1.89 or newer before this action, or name a program with the input binary"
    cargo build --release --locked --bin portcullis \
      --manifest-path "$GITHUB_ACTION_PATH/Cargo.toml" --target-dir "$FOLDER/build"
    mv "$FOLDER/build/release/portcullis" "$program"
    rm -rf "$FOLDER/build"
  fi
fi
case "$program" in
  /* | [A-Za-z]:*) ;;
  *) program="$PWD/$program" ;;
esac
"$program" --version
printf 'binary=%s\n' "$program" >>"$GITHUB_OUTPUT"
