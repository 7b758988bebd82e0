#!/usr/bin/env bash
# The MCP Inspector's command-line mode: lists the tools under --strict and calls some, in both
# lifecycles of the protocol, over standard streams and over HTTP. It brings the Node that it needs.
#
#   npm ci --ignore-scripts && ./check.sh BINARY
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
opward="$(realpath "$1")"
for arch in x64 arm64; do
    if [[ -x "$here/node_modules/node-linux-$arch/bin/node" ]]; then
        node="$here/node_modules/node-linux-$arch/bin/node"
    fi
done
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
if [[ -n "${OPWARD_URL:-}" ]]; then
    over="over HTTP"
    server="{\"type\":\"streamable-http\",\"url\":\"$OPWARD_URL\",\"headers\":{\"Authorization\":\"Bearer $OPWARD_TOKEN\"}"
else
    over="over standard streams"
    bash "$here/../home.sh" "$opward" "$scratch/home"
    server="{\"type\":\"stdio\",\"command\":\"$opward\",\"args\":[\"serve\",\"--principal\",\"client-check\"],\"env\":{\"OPWARD_HOME\":\"$scratch/home\"}"
fi
printf '{"mcpServers":{"legacy":%s,"modern":%s,"protocolEra":"modern"}}}' "$server}" "$server" >"$scratch/mcp.json"

# It keeps files of its own in the home folder, and secrets in the keyring unless told not to.
export HOME="$scratch" MCP_INSPECTOR_SECRET_STORE=memory
inspector() {
    timeout 60 "${node:?npm ci has not installed it}" "$here/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js" \
        --cli --config "$scratch/mcp.json" --server "$era" --format json --quiet "$@" </dev/null
}
# answered WHAT PROGRAM: the program is a condition on `answer`, the parsed result.
answered() {
    "$node" -e '
        const [what, condition] = process.argv.slice(1);
        const answer = JSON.parse(require("fs").readFileSync(0, "utf8")).result;
        if (!new Function("answer", `return ${condition}`)(answer)) {
            console.error(`FAIL ${what}: ${JSON.stringify(answer)}`);
            process.exit(1);
        }' "$1" "$2"
}
call() { inspector --method tools/call --tool-name "$1" --tool-args-json "$2"; }

for era in legacy modern; do
    inspector --method tools/list --strict >"$scratch/tools.json"
    answered "$era: twelve tools with schemas" \
        'answer.tools.length === 12 && answer.tools.every((tool) => tool.outputSchema && tool.annotations)' <"$scratch/tools.json"
    call list_secrets '{"vault":"Staging"}' | answered "$era: list_secrets" \
        'answer.structuredContent.secrets.map((secret) => secret.path).join() === "Staging/Retired,Staging/Settings,Staging/Stripe"'
    call get_secret '{"path":"Staging/Stripe/credential"}' | answered "$era: get_secret" \
        'answer.structuredContent.value === "sk_test_4eC39HqLyjWDarjtT1zdp7dc"'
    refused=0
    call get_secret '{"path":"Production/Database/connection_string"}' >"$scratch/refused.json" || refused=$?
    # 5 is its exit code for a tool that answered with an error
    if [[ "$refused" != 5 ]]; then
        printf 'FAIL %s: a refusal ended with %s\n' "$era" "$refused"
        exit 1
    fi
    answered "$era: a refusal" \
        'answer.isError && answer.structuredContent.error.code === "denied" && !JSON.stringify(answer).includes("p4ss_Zx81")' <"$scratch/refused.json"
    echo "ok   MCP Inspector, $era, $over: tools/list --strict and 3 calls"
done

if [[ -z "${OPWARD_URL:-}" ]]; then
    bash "$here/../http.sh" "$opward" bash "$here/check.sh" "$opward"
fi
