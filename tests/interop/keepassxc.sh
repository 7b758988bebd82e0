#!/usr/bin/env bash
# opward and KeePassXC on one vault: what either writes, the other reads, and nothing is lost when
# they take turns. Needs keepassxc-cli.
#
#   tests/interop/keepassxc.sh [path of the opward binary, default target/debug/opward]
set -euo pipefail
export QT_QPA_PLATFORM=offscreen LC_ALL=C.UTF-8

opward="$(realpath "${1:-target/debug/opward}")"
home="$(mktemp -d)"
trap 'rm -rf "$home"' EXIT
export OPWARD_HOME="$home"
unset OP_SERVICE_ACCOUNT_TOKEN OP_CONNECT_HOST OP_CONNECT_TOKEN OPWARD_CONFIG || true

checks=0
failed=0

# same WHAT EXPECTED ACTUAL
same() {
    checks=$((checks + 1))
    if [[ "$2" == "$3" ]]; then
        printf 'ok   %s\n' "$1"
    else
        failed=$((failed + 1))
        printf 'FAIL %s\n     expected: %q\n     actual:   %q\n' "$1" "$2" "$3"
    fi
}

# Command substitution drops the line ends a value may end with: an `x` behind them keeps them.
get() { "$opward" secret get "$1" && printf x; }
put() { printf %s "$2" | "$opward" secret put "$1" >/dev/null; }

"$opward" init --source local >/dev/null
vault="$(find "$home" -name '*.kdbx' -print -quit)"
key="$(find "$home" -name '*.keyx' -print -quit)"
if [[ -z "$vault" || -z "$key" ]]; then
    echo "FAIL opward init made no vault or key file in $home"
    exit 1
fi
# People may read here; the starter policy lets nobody.
policy="$(find "$home" -name 'policy.toml' -print -quit)"
cat >>"$policy" <<'TOML'

[[rule]]
id = "interop-reads"
principals = ["cli"]
actions = ["list", "describe", "read", "write", "rotate", "delete"]
paths = ["**"]
TOML

xc() {
    local command="$1"
    shift
    keepassxc-cli "$command" -q --no-password -k "$key" "$@"
}
# attribute ENTRY NAME
attribute() { xc show -s -a "$2" "$vault" "$1" && printf x; }

# opward writes, KeePassXC reads.
pem=$'-----BEGIN KEY-----\nMIIB\n-----END KEY-----\n'
put 'Staging/Web/password' 'first'
put 'Staging/Web/username' 'deploy'
put 'Staging/Web/api_token' 'tök <&> "1" 🔑'
put 'Staging/Keys/private_key' "$pem"
put 'Production/EU › Mail/password' 'mail-password'
same 'KeePassXC shows a password of ours' $'first\nx' "$(attribute Staging/Web Password)"
same 'KeePassXC shows a user name of ours' $'deploy\nx' "$(attribute Staging/Web UserName)"
same 'KeePassXC shows another field of ours' $'tök <&> "1" 🔑\nx' "$(attribute Staging/Web api_token)"
same 'KeePassXC shows a value of several lines' "$pem"$'\nx' "$(attribute Staging/Keys private_key)"
same 'a deeper group of ours is one' $'mail-password\nx' "$(attribute Production/EU/Mail Password)"

# KeePassXC writes, opward reads.
printf 'second\n' | xc edit -p "$vault" Staging/Web
same 'we see its edit' 'secondx' "$(get Staging/Web/password)"
same 'its edit left our other field alone' 'tök <&> "1" 🔑x' "$(get Staging/Web/api_token)"
xc mkdir "$vault" Made
printf 'made-elsewhere\n' | xc add -p -u someone --url https://example.com "$vault" Made/Entry
same 'we see its new entry' 'made-elsewherex' "$(get Made/Entry/password)"
same 'and its address' 'https://example.comx' "$(get Made/Entry/url)"
same 'a value of several lines survived its saves' "${pem}x" "$(get Staging/Keys/private_key)"

# In turns.
for round in 1 2 3 4 5; do
    put 'Turns/Ours/password' "ours-$round"
    printf 'theirs-%s\n' "$round" | xc edit -p "$vault" Made/Entry
    put "Turns/New $round/credential" "new-$round"
    xc edit -u "user-$round" "$vault" Staging/Web
    same "round $round: our edit" "ours-${round}x" "$(get Turns/Ours/password)"
    same "round $round: their edit" "theirs-${round}x" "$(get Made/Entry/password)"
    same "round $round: our edit, to them" "ours-${round}"$'\nx' "$(attribute Turns/Ours Password)"
    same "round $round: their user name" "user-${round}x" "$(get Staging/Web/username)"
done
for round in 1 2 3 4 5; do
    same "the item of round $round is still there" "new-${round}x" "$(get "Turns/New $round/credential")"
done

# The bin is one bin.
"$opward" secret delete 'Turns/New 1' >/dev/null
same 'what we delete is in its recycle bin' $'new-1\nx' "$(attribute 'Recycle Bin/New 1' credential)"
xc rm "$vault" 'Turns/New 2'
if "$opward" secret get 'Turns/New 2/credential' >/dev/null 2>&1; then
    same 'what it deletes is gone for us' gone there
else
    same 'what it deletes is gone for us' gone gone
fi

# A vault and a key file that KeePassXC made, in place of ours.
theirs="$home/theirs"
mkdir "$theirs"
keepassxc-cli db-create -q --set-key-file "$theirs/vault.keyx" "$theirs/vault.kdbx" >/dev/null
chmod 600 "$theirs/vault.keyx" "$theirs/vault.kdbx"
ours="$vault" ours_key="$key"
vault="$theirs/vault.kdbx" key="$theirs/vault.keyx"
sed -e "s|$ours_key|$key|; s|$ours|$vault|" "$home/opward.toml" >"$theirs/opward.toml"
cp "$policy" "$theirs/policy.toml"
chmod 600 "$theirs"/*.toml
export OPWARD_HOME="$theirs"
xc mkdir "$vault" Staging
printf 'from-the-start\n' | xc add -p -u someone "$vault" Staging/First
same 'we open a vault it made' 'from-the-startx' "$(get Staging/First/password)"
before="$(sha256sum <"$vault")"
info="$(xc db-info "$vault")"
if grep -q '^KDF: AES' <<<"$info"; then
    # It still makes KDBX 3 on the command line, which we read and leave alone.
    wrote=0
    put 'Staging/First/api_token' 'added' 2>"$theirs/error" || wrote=$?
    same 'we say that its older format is for reading' "1 error: read_only" "$wrote $(head -n 1 "$theirs/error" | cut -d: -f1,2)"
    same 'and leave the file as it is' "$before" "$(sha256sum <"$vault")"
else
    put 'Staging/First/api_token' 'added'
    same 'it opens the vault after our edit' $'from-the-start\nx' "$(attribute Staging/First Password)"
    same 'and shows the field we added' $'added\nx' "$(attribute Staging/First api_token)"
fi
export OPWARD_HOME="$home"
vault="$ours" key="$ours_key"

# A key file that others can read, and one that's not the vault's.
chmod 644 "$key"
if "$opward" secret get 'Staging/Web/password' >/dev/null 2>&1; then
    same 'a key file others can read is refused' refused used
else
    same 'a key file others can read is refused' refused refused
fi
chmod 600 "$key"
same 'and taken again once it is private' 'secondx' "$(get Staging/Web/password)"

printf '%d checks, %d failed\n' "$checks" "$failed"
[[ "$failed" -eq 0 ]]
