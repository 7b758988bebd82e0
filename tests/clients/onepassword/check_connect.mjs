// Lists, finds, creates, reads, updates and deletes with 1Password's own JavaScript SDK against the stand-in for a
// Connect server.
//
//     npm ci && node check_connect.mjs FAKE_CONNECT
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import { createInterface } from "node:readline";

import connect from "@1password/connect";

const { ItemBuilder, OnePasswordConnect } = connect;

// What the built-in world holds.
const VAULT = "ftz4pm2xxwmwrsd7rjqn7grzfz";
const READ_ONLY = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
const HIDDEN = "bbbbbbbbbbbbbbbbbbbbbbbbbb";
const NOWHERE = "cccccccccccccccccccccccccc";
const ITEM = "2fcbqwe9ndg175zg2dzwftvkpa";
const FILE = "6r65pjq33banznomn7q22sj44e";

const ids = (list) => list.map((each) => each.id);
const field = (item, label) => item.fields.find((each) => each.label === label);
const refused = (call, status) => assert.rejects(call, (error) => assert.equal(error.status, status) ?? true);

async function reads(client) {
  assert.deepEqual(ids(await client.listVaults()), [VAULT, READ_ONLY]);
  assert.deepEqual(ids(await client.listVaultsByTitle("Automation")), [VAULT]);
  assert.equal((await client.getVault(VAULT)).name, "Automation");
  assert.equal((await client.getVault("Automation")).id, VAULT);
  assert.equal((await client.listItems(VAULT)).length, 3);
  assert.equal((await client.listItemsByTitleContains(VAULT, "Twi")).length, 2);
  const item = await client.getItem(VAULT, ITEM);
  assert.equal(field(item, "password").value, "canary-password");
  assert.ok(item.createdAt instanceof Date);
  assert.match(item.extractOTP(), /^\d{6}$/);
  assert.match(await client.getItemOTP(VAULT, ITEM), /^\d{6}$/);
  assert.deepEqual(ids(await client.listFiles(VAULT, ITEM)), [FILE]);
  assert.equal((await client.getFileById(VAULT, ITEM, FILE)).size, 35);
  assert.equal(await client.getFileContent(VAULT, ITEM, FILE), "The future belongs to the curious.\n");
}

async function writes(client) {
  const draft = new ItemBuilder()
    .setCategory("LOGIN")
    .setTitle("JS made é")
    .addTag("b")
    .addTag("a")
    .addUrl({ primary: true, href: "https://a.example" })
    .addField({ label: "username", purpose: "USERNAME", value: "u" })
    .addField({
      label: "password",
      purpose: "PASSWORD",
      type: "CONCEALED",
      generate: true,
      recipe: { length: 20, characterSets: ["DIGITS"], excludeCharacters: "0" },
    })
    .addField({ sectionName: "OAuth", label: "refresh_token", type: "CONCEALED", value: "multi\nline \u{1F600}" })
    .build();
  const made = await client.createItem(VAULT, draft);
  assert.equal(made.version, 1);
  assert.deepEqual(made.tags, ["a", "b"]);
  assert.match(field(made, "password").value, /^[1-9]{20}$/);

  const found = await client.getItemByTitle(VAULT, "JS made é");
  assert.equal(found.id, made.id);
  assert.equal(field(found, "refresh_token").value, "multi\nline \u{1F600}");
  field(found, "refresh_token").value = "rotated";
  found.title = "JS made 2";
  // The reply has the old version.
  assert.equal((await client.updateItem(VAULT, found)).version, 1);
  const after = await client.getItemById(VAULT, made.id);
  assert.equal(after.version, 2);
  assert.equal(after.title, "JS made 2");
  assert.equal(field(after, "refresh_token").value, "rotated");
  assert.equal(field(after, "password").value, field(made, "password").value);

  await client.deleteItem(VAULT, "JS made 2");
  await refused(client.getItemById(VAULT, made.id), 404);
}

async function refusals(client, url) {
  await refused(client.getItemByTitle(VAULT, "Twin"), 400);
  await refused(client.getItemByTitle(VAULT, "Nobody"), 404);
  // The SDK escapes neither of these in its filters.
  await refused(client.getVault('Read "only" / vault'), 400);
  await refused(client.getItemByTitle(VAULT, 'GitHub / prod & "ci" é'), 400);
  await refused(client.getVaultById(HIDDEN), 403);
  await refused(client.getVaultById(NOWHERE), 404);
  const custom = new ItemBuilder().setCategory("CUSTOM").setTitle("x").build();
  await refused(client.createItem(VAULT, custom), 400);
  const login = new ItemBuilder().setCategory("LOGIN").setTitle("x").build();
  await refused(client.createItem(READ_ONLY, login), 401);
  await refused(OnePasswordConnect({ serverURL: url, token: "wrong" }).listVaults(), 401);
}

const server = spawn(realpathSync(process.argv[2]), [], { stdio: ["pipe", "pipe", "inherit"] });
try {
  const { value: line } = await createInterface(server.stdout)[Symbol.asyncIterator]().next();
  const { url, token } = JSON.parse(line);
  const client = OnePasswordConnect({ serverURL: url, token, keepAlive: true });
  await reads(client);
  await writes(client);
  await refusals(client, url);
  const requests = await (await fetch(`${url}/_fake/requests`)).json();
  assert.ok(requests.every((request) => request.headers["user-agent"] === "connect-sdk-js/1.4.2"));
  console.log(`ok   @1password/connect 1.4.2: ${requests.length} requests`);
} finally {
  server.stdin.end();
}
