#!/usr/bin/env bash
# Measures what reading from 1Password costs, through `op` and through Connect, beside the local vault: requests, the
# time of a cold start, and cached reads. 1Password is played by the tests' stand-ins. Prints tables in Markdown.
#
#   benches/one_password.sh [CORE]
#
# The cached reads run on one core, with the client; SKIP_BUILD=1 takes what's built; PROFILE=debug, that of a debug build.
set -euo pipefail
cd "$(dirname "$0")/.."
core="${1:-0}"
profile="${PROFILE:-release}"

if [ -z "${SKIP_BUILD:-}" ]; then
  flags=(--quiet --locked --bins --examples)
  [ "$profile" = debug ] || flags+=(--release)
  cargo build "${flags[@]}"
fi
target="${CARGO_TARGET_DIR:-target}/$profile"
"$target/examples/one_password" "$target/opward" "$core"
