// Drives the stand-in for 1Password's program with 1Password's own package: what that package asks, it must take,
// and what it answers, that package must understand.
//
//     npm ci && node check.mjs FAKE_OP WORLD
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import op from "@1password/op-js";

const [executable, world] = process.argv.slice(2);
const timestamp = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
const id = /^[a-z0-9]{26}$/;
let steps = 0;

// With a world of its own, which `change` may change before.
async function as(who, environment, change, play) {
  const folder = mkdtempSync(join(tmpdir(), "opward-op-"));
  const before = { ...process.env };
  try {
    const bin = join(folder, "bin");
    mkdirSync(bin);
    copyFileSync(executable, join(bin, "op"));
    const state = JSON.parse(readFileSync(world, "utf8"));
    change(state);
    writeFileSync(join(bin, "op-world.json"), JSON.stringify(state));
    for (const name of Object.keys(process.env)) if (name.startsWith("OP_")) delete process.env[name];
    Object.assign(process.env, environment, { PATH: `${bin}${delimiter}${before.PATH}` });
    op.setGlobalFlags({});
    const read = () => ({
      world: JSON.parse(readFileSync(join(bin, "op-world.json"), "utf8")),
      calls: readFileSync(join(bin, "op-calls.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line)),
    });
    const counted = steps;
    await play(folder, read);
    const { calls } = read();
    assert.ok(calls.every((call) => call.exit !== 97), "op-js asked for something that the stand-in doesn't know");
    assert.ok(calls.every((call) => call.env.OP_INTEGRATION_ID === "JS"), "another program asked");
    console.log(`ok   ${who}: ${steps - counted} checks, ${calls.length} calls`);
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
    rmSync(folder, { recursive: true, force: true });
  }
}

function check(condition, what) {
  assert.ok(condition, what);
  steps += 1;
}

function fails(call, pattern, what) {
  assert.throws(call, (error) => error instanceof op.CLIError && pattern.test(error.message) && error.timestamp > 0, what);
  steps += 1;
}

// What a person with the desktop app does: what op-js's own integration tests do, and what comes back.
async function everything(folder, read) {
  await op.validateCli(">=2.30.0");
  await assert.rejects(op.validateCli(">=3.0.0"), { name: "ValidationError", type: "version" });
  check(op.version() === "2.30.3", "version");

  const me = op.whoami();
  check(me.email === "person@example.com" && me.user_uuid && me.account_uuid && me.url, "whoami");
  const accounts = op.account.list();
  check(accounts.length === 1 && accounts[0].user_uuid === me.user_uuid, "account list");
  op.setGlobalFlags({ account: "my.1password.com" });

  const vaults = op.vault.list();
  check(vaults.map((vault) => vault.name).join() === "Staging,Production", "vault list");
  check(vaults.every((vault) => id.test(vault.id) && Number.isInteger(vault.content_version)), "what a vault has");
  const vault = op.vault.get("Staging");
  check(vault.id === vaults[0].id && vault.items === 10 && vault.type === "USER_CREATED", "vault get");
  check(timestamp.test(vault.created_at) && timestamp.test(vault.updated_at), "a vault's times");

  const listed = op.item.list({ vault: "Staging" });
  check(listed.length === 10 && listed.every((item) => item.vault.id === vault.id && !("fields" in item)), "item list");
  check(op.item.list({ categories: ["Login"] }).length === 2, "item list --categories");
  check(op.item.list({ tags: ["payments"] }).length === 2, "item list --tags");
  check(op.item.list({ includeArchive: true }).some((item) => item.state === "ARCHIVED"), "item list --include-archive");

  const github = op.item.get("GitHub", { vault: "Staging" });
  check(github.id === listed[0].id && github.version === 4 && github.fields.length === 6, "item get");
  check(github.fields.every((field) => field.reference.startsWith("op://Staging/GitHub/")), "references of fields");
  const one = op.item.get(github.id, { fields: { label: ["password"] } });
  check(one.value === "value-github-password" && one.purpose === "PASSWORD", "item get --fields, one");
  const several = op.item.get(github.id, { fields: { type: ["string"] } });
  check(Array.isArray(several) && several.every((field) => field.type === "STRING"), "item get --fields, several");
  check(/^\d{6}$/.test(op.item.otp(github.id)), "item get --otp");
  check(op.item.shareLink(github.id).includes(github.id), "item get --share-link");
  fails(() => op.item.get("nope", { vault: "Staging" }), /^"nope" isn't an item in the "Staging" vault\./, "no such item");
  fails(() => op.item.get("Twin", { vault: "Staging" }), /^More than one item matches "Twin"/, "two such items");
  fails(() => op.vault.get("nope"), /^"nope" isn't a vault in this account\./, "no such vault");

  const created = op.item.create(
    [["username", "text", "created"], ["my\\.part.token", "concealed", "value-created"]],
    { vault: "Staging", category: "Login", title: "Created Login", url: "https://example.com", tags: ["b", "a"], generatePassword: "32,letters" },
  );
  check(id.test(created.id) && created.version === 1 && created.category === "LOGIN", "item create");
  check(timestamp.test(created.created_at) && created.updated_at.includes("."), "a created item's times");
  check(created.sections.every((section) => Object.keys(section).join() === "id"), "a created item's sections");
  check(created.urls[0].primary === true && created.tags.join() === "a,b", "a created item's url and tags");
  const generated = created.fields.find((field) => field.id === "password");
  check(generated.value.length === 32 && generated.password_details.strength === "FANTASTIC", "a generated password");
  check(created.fields.find((field) => field.label === "token").value === "value-created", "an assigned field");

  const edited = op.item.edit(created.id, [["username", "text", "updated"]], { title: "Updated Login" });
  check(edited.version === 2 && edited.title === "Updated Login", "item edit");
  check(edited.fields.find((field) => field.id === "username").value === "updated", "an edited field");
  check(op.item.get(created.id).fields.length === created.fields.length, "what an assignment leaves alone");

  check(op.read.parse("op://Staging/Stripe/credential") === "value-stripe-credential", "read");
  check(op.read.parse(`op://${vault.id}/${created.id}/username`) === "updated", "read by ids");
  fails(() => op.read.parse("op://Staging/Stripe"), /too few '\/'/, "a reference with too little");
  const out = join(folder, "read");
  op.read.toFile("op://Staging/Stripe/credential", out);
  check(readFileSync(out, "utf8").trim() === "value-stripe-credential", "read --out-file");

  check(op.inject.data("foo op://Staging/Stripe/credential") === "foo value-stripe-credential", "inject");
  const injected = join(folder, "injected");
  op.inject.toFile("{{ op://Staging/GitHub/Tokens/deploy token }}", injected);
  check(readFileSync(injected, "utf8") === "value-github-deploy-token\n", "inject --out-file");
  fails(() => op.inject.data("op://Staging/Stripe/credential op://Staging/nope/x"), /^could not resolve/, "a bad reference");

  check(op.item.template.list().length === 22, "item template list");
  check(op.item.template.get("API Credential").fields.some((field) => field.id === "credential"), "item template get");

  const document = op.document.create("Created Value", { vault: "Staging", title: "Created Document", fileName: "doc.txt" });
  check(id.test(document.uuid) && document.vaultUuid === vault.id && timestamp.test(document.createdAt), "document create");
  check(op.document.list({ vault: "Staging" }).length === 1, "document list");
  op.document.edit(document.uuid, "Updated Value", { title: "Updated Document", fileName: "new.txt" });
  check(op.document.get(document.uuid) === "Updated Value", "document edit and get");
  op.document.toFile(document.uuid, join(folder, "document"));
  check(readFileSync(join(folder, "document"), "utf8") === "Updated Value", "document get --output");
  op.document.delete(document.uuid);
  check(op.document.list({ vault: "Staging" }).length === 0, "document delete");
  check(op.eventsApi.create("Token", { expiresIn: "1m", features: ["signinattempts"] }).length > 0, "events-api create");

  op.item.delete(created.id);
  fails(() => op.item.get(created.id), /has been deleted or archived/, "item delete");
  op.item.delete("GitHub", { vault: "Staging", archive: true });
  check(op.item.get(github.id).state === "ARCHIVED", "item delete --archive");
  const { calls } = read();
  check(calls.every((call) => call.env.OP_SERVICE_ACCOUNT_TOKEN === undefined), "credentials that nobody gave");
}

// What a service account may, and is told.
async function serviceAccount() {
  op.setServiceAccount("ops_seed");
  try {
    const me = op.whoami();
    check(me.user_type === "SERVICE_ACCOUNT" && !("email" in me), "whoami of a service account");
    fails(() => op.item.get("GitHub"), /^a vault query must be provided/, "without a vault");
    check(op.item.get("GitHub", { vault: "Staging" }).title === "GitHub", "with a vault");
    op.setServiceAccount("ops_deleted");
    fails(() => op.vault.list(), /Service Account Deleted/, "a deleted account");
    op.setServiceAccount("ops_nonsense");
    fails(() => op.vault.list(), /failed to DecodeSACredentials/, "a token that's none");
    op.setServiceAccount("ops_reader");
    fails(() => op.item.delete("GitHub", { vault: "Staging" }), /^\(403\) Forbidden/, "who may only read");
    op.setConnect("http://localhost:1", "connect-seed");
    fails(() => op.vault.list(), /doesn't work with Connect/, "Connect's variables win");
    check(op.read.parse("op://Staging/Stripe/credential") === "value-stripe-credential", "read with Connect");
  } finally {
    op.setServiceAccount(undefined);
    op.setConnect(undefined, undefined);
  }
}

// Somebody who isn't signed in, and limits.
async function nobody() {
  check(op.whoami() === null, "whoami of nobody");
  fails(() => op.vault.list(), /You are not currently signed in/, "a list for nobody");
}

async function exhausted() {
  check(op.vault.list().length === 2, "the last request");
  fails(() => op.vault.list(), /^\(429\) Too Many Requests: .* Please retry in 60 minutes/, "one too many");
}

assert.ok(existsSync(executable ?? "") && existsSync(world ?? ""), "node check.mjs FAKE_OP WORLD");
const nothing = () => {};
await as("op-js with the desktop app", {}, (state) => (state.settings.desktop = "ok"), everything);
await as("op-js with a service account", {}, nothing, serviceAccount);
await as("op-js without an account", {}, nothing, nobody);
const token = { OP_SERVICE_ACCOUNT_TOKEN: "ops_seed" };
await as("op-js at its limit", token, (state) => (state.limits = { reads_left: 1, reset_s: 3600 }), exhausted);
