#!/usr/bin/env bash
# The official conformance suite, for the newest revision of the protocol and for the last one with sessions:
# against its own fixtures behind our transport, where everything has to pass, and against opward itself, where
# baseline.yml says what can't.
#
#   npm ci --ignore-scripts && ./check.sh OPWARD CONFORMANCE_SERVER
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
opward="$(realpath "$1")"
fixtures="$(realpath "$2")"
for arch in x64 arm64; do
    if [[ -x "$here/node_modules/node-linux-$arch/bin/node" ]]; then
        node="$here/node_modules/node-linux-$arch/bin/node"
    fi
done
scratch="$(mktemp -d)"
server=
end() {
    if [[ -n "$server" ]]; then kill "$server" 2>/dev/null || true; fi
    rm -rf "$scratch"
}
trap end EXIT


# suite NAME URL REVISION AT_LEAST [OPTION…]: so many checks have to pass, or it wasn't the suite that ran.
suite() {
    local name="$1" url="$2" revision="$3" at_least="$4" code=0 passed
    shift 4
    timeout 300 "${node:?npm ci has not installed it}" \
        "$here/node_modules/@modelcontextprotocol/conformance/dist/index.js" \
        server --url "$url" --requirements "$revision" "$@" -o "$scratch/results" >"$scratch/report" 2>&1 </dev/null ||
        code=$?
    passed="$(sed -nE 's/^Total: ([0-9]+) passed, .*/\1/p' "$scratch/report")"
    if [[ "$code" != 0 || "${passed:-0}" -lt "$at_least" ]]; then
        tail -n 200 "$scratch/report"
        printf 'FAIL %s, %s: ended with %s, %s checks passed of at least %s\n' \
            "$name" "$revision" "$code" "${passed:-none}" "$at_least"
        exit 1
    fi
    printf 'ok   conformance suite, %s, %s: %s\n' "$name" "$revision" "$(sed -n 's/^Total: //p' "$scratch/report")"
}
# passes SCENARIO…: the suite doesn't count these, so it wouldn't say if they failed.
passes() {
    local scenario
    for scenario in "$@"; do
        if ! grep -qE "^✓ $scenario: [0-9]+ passed, 0 failed" "$scratch/report"; then
            grep -E " $scenario" "$scratch/report" || true
            printf 'FAIL %s does not pass\n' "$scenario"
            exit 1
        fi
    done
}

if [[ -n "${OPWARD_URL:-}" ]]; then
    suite opward "$OPWARD_URL" 2025-11-25 43 --expected-failures "$here/baseline.yml"
    passes server-session-lifecycle server-sse-polling
    suite opward "$OPWARD_URL" 2026-07-28 104 --expected-failures "$here/baseline.yml"
    passes http-header-validation
    exit 0
fi

mkfifo "$scratch/hold" "$scratch/said"
"$fixtures" <"$scratch/hold" >"$scratch/said" &
server=$!
# It serves for as long as this is open.
exec 7>"$scratch/hold"
read -r -t 20 line <"$scratch/said"
# With events instead of documents for lists there would be one more in each: that streams end. Ours are documents.
suite 'its fixtures' "${line#listening on }" 2025-11-25 82
passes server-session-lifecycle server-sse-polling json-schema-2020-12
suite 'its fixtures' "${line#listening on }" 2026-07-28 196
# None at all may fail, counted or not.
if grep -qE '^✗|^Total: .*[1-9][0-9]* failed' "$scratch/report"; then
    grep -E '✗' "$scratch/report"
    exit 1
fi
exec 7>&-
wait "$server"
server=

# A page at the server's own address has to be let in, so the address must be known beforehand.
port="$("$node" -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')"
PORT="$port" NO_AUTH=conformance bash "$here/../http.sh" "$opward" bash "$here/check.sh" "$opward" "$fixtures"
