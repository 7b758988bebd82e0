#!/usr/bin/env bash
# Runs a client's check with a server over HTTP beside it: makes the throw-away home of home.sh and a bearer for it,
# starts `opward serve --http` on a free port of this machine, and runs the command with OPWARD_URL, OPWARD_TOKEN and
# OPWARD_HOME. Afterwards the server has to end by itself when it's told to, without an error, with a log that verifies,
# and without having written its bearer anywhere.
#
#   tests/clients/http.sh BINARY COMMAND…
#   NO_AUTH=NAME tests/clients/http.sh BINARY COMMAND…     everybody is NAME, without a bearer
#   PORT=NUMBER tests/clients/http.sh BINARY COMMAND…      at this port, and its own pages may ask it
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
opward="$(realpath "$1")"
shift
scratch="$(mktemp -d)"
server=
end() {
    if [[ -n "$server" ]]; then kill "$server" 2>/dev/null || true; fi
    rm -rf "$scratch"
}
trap end EXIT

export OPWARD_HOME="$scratch/home"
bash "$here/home.sh" "$opward" "$OPWARD_HOME"
if [[ -n "${PORT:-}" ]]; then
    printf '\n[http]\nallowed_origins = ["http://127.0.0.1:%s"]\n' "$PORT" >>"$OPWARD_HOME/opward.toml"
fi
# The token is the first line; what the configuration keeps of it is the rest.
made="$("$opward" token new --principal client-check 2>/dev/null)"
OPWARD_TOKEN="${made%%$'\n'*}"
printf '\n%s\n' "${made#*$'\n'}" >>"$OPWARD_HOME/opward.toml"

if [[ -n "${NO_AUTH:-}" ]]; then
    admission=(--no-auth --principal "$NO_AUTH")
else
    admission=()
fi
mkfifo "$scratch/said"
"$opward" serve --http "127.0.0.1:${PORT:-0}" "${admission[@]}" >"$scratch/said" 2>"$scratch/log" </dev/null &
server=$!
if ! read -r -t 20 line <"$scratch/said" || [[ "$line" != "listening on "* ]]; then
    printf 'FAIL opward serve --http does not listen: %s\n' "${line:-}"
    cat "$scratch/log"
    exit 1
fi
export OPWARD_TOKEN OPWARD_URL="${line#listening on }"

code=0
"$@" || code=$?

kill -TERM "$server" 2>/dev/null || true
ended=0
wait "$server" || ended=$?
server=
if [[ "$code" != 0 || "$ended" != 0 ]]; then
    tail -n 40 "$scratch/log"
    printf 'FAIL the client ended with %s, opward serve --http with %s\n' "$code" "$ended"
    exit 1
fi
if grep -rqF -- "$OPWARD_TOKEN" "$scratch"; then
    printf 'FAIL the bearer was written down: %s\n' "$(grep -rlF -- "$OPWARD_TOKEN" "$scratch" | tr '\n' ' ')"
    exit 1
fi
"$opward" audit verify >/dev/null
