#!/usr/bin/env bash
# mcporter over HTTP with a bearer: lists the tools and calls some.
#
#   npm ci --ignore-scripts && ./check.sh BINARY
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if [[ -z "${OPWARD_URL:-}" ]]; then
    exec bash "$here/../http.sh" "$1" bash "$here/check.sh" "$1"
fi

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
# It looks for other programs' servers and keeps files of its own in the home folder.
export HOME="$scratch" XDG_CONFIG_HOME="$scratch" MCPORTER_OAUTH_NO_BROWSER=1
cat >"$scratch/mcporter.json" <<JSON
{
  "imports": [],
  "mcpServers": {
    "opward": {
      "url": "$OPWARD_URL",
      "allowHttp": true,
      "headers": { "Authorization": "Bearer \${OPWARD_TOKEN}" }
    }
  }
}
JSON
mcporter() {
    local verb="$1"
    shift
    timeout 60 node "$here/node_modules/mcporter/dist/cli.js" "$verb" --config "$scratch/mcporter.json" "$@" </dev/null
}
# answered WHAT CONDITION: the condition is on `answer`, the parsed output.
answered() {
    node -e '
        const [what, condition] = process.argv.slice(1);
        const answer = JSON.parse(require("fs").readFileSync(0, "utf8"));
        if (!new Function("answer", `return ${condition}`)(answer)) {
            console.error(`FAIL ${what}: ${JSON.stringify(answer)}`);
            process.exit(1);
        }' "$1" "$2"
}

mcporter list opward --json >"$scratch/tools.json"
answered "twelve tools" 'answer.tools.length === 12' <"$scratch/tools.json"
mcporter call opward.list_secrets vault=Staging --output json | answered "list_secrets" \
    'answer.secrets.map((secret) => secret.path).join() === "Staging/Retired,Staging/Settings,Staging/Stripe"'
mcporter call opward.get_secret path=Staging/Stripe/credential --output json | answered "get_secret" \
    'answer.value === "sk_test_4eC39HqLyjWDarjtT1zdp7dc"'
mcporter call opward.get_secret path=Production/Database/connection_string --output json >"$scratch/refused" 2>&1 || true
if ! grep -q denied "$scratch/refused" || grep -q p4ss_Zx81 "$scratch/refused"; then
    printf 'FAIL a refusal: %s\n' "$(cat "$scratch/refused")"
    exit 1
fi
OPWARD_TOKEN=opw_wrong mcporter list opward --json >"$scratch/stranger.json" 2>&1 || true
if grep -q get_secret "$scratch/stranger.json"; then
    printf 'FAIL a wrong bearer: %s\n' "$(cat "$scratch/stranger.json")"
    exit 1
fi
echo "ok   mcporter, over HTTP: the list of tools, 3 calls and a wrong bearer"
