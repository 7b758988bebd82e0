#!/usr/bin/env bash
# Measures opward against a bare server of the protocol crate with one echo tool: same crate version, same profile,
# same client, one core for both ends. Prints medians, 99th percentiles and ratios as JSON.
#
#   benches/side_by_side.sh [CORE]
set -euo pipefail
cd "$(dirname "$0")/.."
core="${1:-0}"

[ -n "${SKIP_BUILD:-}" ] || cargo build --quiet --locked --release --bins --examples
target="${CARGO_TARGET_DIR:-target}/release"
opward="$target/opward"
load="$target/examples/load"
echo_call='{"name":"echo","arguments":{"text":"hello world"}}'

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# make_home NAME ITEMS: a throw-away home whose policy lets any client read, and a vault of that many items.
make_home() {
  export OPWARD_HOME="$scratch/$1"
  "$opward" init >/dev/null 2>&1
  cat > "$OPWARD_HOME/policy.toml" <<'POLICY'
version = 1

[[rule]]
id = "everyone-lists-and-reads"
principals = ["*"]
actions = ["list", "describe", "read"]
paths = ["**"]

[[rule]]
id = "people-write"
principals = ["cli"]
actions = ["list", "describe", "read", "write"]
paths = ["**"]
POLICY
  if [ "$2" -gt 0 ]; then
    "$target/examples/make_vault" "$OPWARD_HOME" "$2"
    printf 'hello world' | "$opward" secret put Bench/Echo/password >/dev/null
  fi
}

make_home empty 0
make_home full 1000

echo '== the transport alone, and a cached get_secret, against the echo tool'
for mode in legacy modern; do
  echo "-- $mode"
  OPWARD_HOME="$scratch/full" "$load" --cpu "$core" --mode "$mode" \
    --server "echo=$target/examples/echo_server" --call "echo=$echo_call" \
    --server "transport=$target/examples/echo_stdio" --call "transport=$echo_call" \
    --server "opward=$opward serve" --call 'opward={"name":"get_secret","arguments":{"path":"Bench/Echo/password"}}'
done

echo '== the first page of 10,000 items'
make_home large 10000
OPWARD_HOME="$scratch/large" "$load" --cpu "$core" --rounds 3 --sequential 300 --pipelined 300 \
  --server "echo=$target/examples/echo_server" --call "echo=$echo_call" \
  --server "opward=$opward serve" --call 'opward={"name":"list_secrets","arguments":{}}'

list='{"name":"list_secrets","arguments":{"limit":1}}'
for home in empty full; do
  echo "== start to first answer and resident memory, $home vault"
  OPWARD_HOME="$scratch/$home" "$load" --cpu "$core" --rounds 20 --sequential 200 --pipelined 1000 \
    --server "echo=$target/examples/echo_server" --call "echo=$echo_call" \
    --server "opward=$opward serve" --call "opward=$list"
done
