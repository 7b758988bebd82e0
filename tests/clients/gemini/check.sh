#!/usr/bin/env bash
# Gemini CLI over HTTP with a bearer. Without a model it calls no tool: it connects, and says whether it could.
#
#   npm ci --ignore-scripts && ./check.sh BINARY
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if [[ -z "${OPWARD_URL:-}" ]]; then
    exec bash "$here/../http.sh" "$1" bash "$here/check.sh" "$1"
fi

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
# It takes its settings from the folder that it's started in, if that's trusted.
export HOME="$scratch" GEMINI_CLI_TRUST_WORKSPACE=true NO_COLOR=1
mkdir -p "$scratch/work/.gemini"
cd "$scratch/work"
# status TOKEN: what it says of the server when it shows this token.
status() {
    cat >.gemini/settings.json <<JSON
{
  "mcpServers": {
    "opward": { "type": "http", "url": "$OPWARD_URL", "headers": { "Authorization": "Bearer $1" } }
  }
}
JSON
    timeout 60 node "$here/node_modules/@google/gemini-cli/bundle/gemini.js" mcp list </dev/null 2>&1
}

status "$OPWARD_TOKEN" >"$scratch/known"
if ! grep -qE 'opward: .* - Connected' "$scratch/known"; then
    printf 'FAIL Gemini CLI: %s\n' "$(cat "$scratch/known")"
    exit 1
fi
status opw_wrong >"$scratch/stranger"
if ! grep -qE 'opward: ' "$scratch/stranger" || grep -qE 'opward: .* - Connected' "$scratch/stranger"; then
    printf 'FAIL Gemini CLI with a wrong bearer: %s\n' "$(cat "$scratch/stranger")"
    exit 1
fi
echo "ok   Gemini CLI, over HTTP: connected, and not with a wrong bearer"
