#!/usr/bin/env bash
# Makes the throw-away home in which scenario.json is played: a vault with a few values, and a policy
# that lets the client work on Staging and forbids it to read Production.
#
#   tests/clients/home.sh BINARY FOLDER
set -euo pipefail

opward="$1"
export OPWARD_HOME="$2"
unset OPWARD_CONFIG OP_SERVICE_ACCOUNT_TOKEN OP_CONNECT_HOST OP_CONNECT_TOKEN || true

"$opward" init >/dev/null 2>&1
cat >>"$OPWARD_HOME/policy.toml" <<'TOML'

[[rule]]
id = "client-works-on-staging"
principals = ["client-check"]
actions = ["read", "write", "rotate", "delete"]
paths = ["Staging/**"]

[[rule]]
id = "production-stays"
effect = "deny"
principals = ["client-check"]
actions = ["read"]
paths = ["Production/**"]

[[rule]]
id = "client-uses-staging"
principals = ["client-check"]
actions = ["use"]
use.commands = ["careless"]
paths = ["Staging/Stripe/credential"]

[[command]]
name = "careless"
exe = "/usr/bin/base64"
stdin = "Staging/Stripe/credential"
class = "sealed"
TOML
cat >>"$OPWARD_HOME/opward.toml" <<'TOML'

[env_bundle.checkout]
STRIPE_KEY = "op://Staging/Stripe/credential"
DATABASE_URL = "Production/Database/connection_string"
NOWHERE = "Staging/Nothing/here"
TOML

put() { printf %s "$2" | "$opward" secret put "$1" "${@:3}" >/dev/null; }
put Staging/Stripe/credential 'sk_test_4eC39HqLyjWDarjtT1zdp7dc' --category api_key --tag payments
put Staging/Retired/credential 'retired_7Fq2' --category api_key
put Staging/Settings/notesPlain $'export LOG_LEVEL=debug\n# a comment\nGREETING="two words"\n' --category note
put Production/Database/connection_string 'postgres://app:p4ss_Zx81@db.internal/app' --category DATABASE
