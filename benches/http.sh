#!/usr/bin/env bash
# Measures `opward serve --http`, with clients in a process of their own: beside the protocol crate's bare echo server
# (throughput, latency, processor time), with ten thousand idle connections and a thousand sessions, and with slow
# clients. Prints tables and JSON; about nine minutes.
#
#   benches/http.sh [compare|idle|slow ...]
#
# SKIP_BUILD=1 takes what's built; PROFILE=debug, that of a debug build. COMPARE adds options to the comparison, such as
# '--rounds 3 --hold'; the servers run on core 0 and their client on core 1 if it isn't told otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."
profile="${PROFILE:-release}"
[ $# -gt 0 ] || set -- compare idle slow

if [ -z "${SKIP_BUILD:-}" ]; then
  flags=(--quiet --locked --bins --example echo_http --example http_load)
  [ "$profile" = debug ] || flags+=(--release)
  cargo build "${flags[@]}"
fi
target="${CARGO_TARGET_DIR:-target}/$profile"

# Ten thousand connections have two ends, in two processes.
ulimit -n "$(ulimit -H -n)"

failed=0
for what in "$@"; do
  echo "== $what" >&2
  case "$what" in
    compare)
      read -ra more <<<"${COMPARE:-}"
      "$target/examples/http_load" compare --opward "$target/opward" --echo "$target/examples/echo_http" "${more[@]}" || failed=1
      ;;
    idle | slow) "$target/examples/http_load" "$what" --opward "$target/opward" || failed=1 ;;
    *) echo "nothing is called $what here" >&2 && exit 2 ;;
  esac
done
exit "$failed"
