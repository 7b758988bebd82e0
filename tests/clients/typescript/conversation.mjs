// What ../scenario.json tells, played with any of the official TypeScript SDKs.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

export const scenario = JSON.parse(readFileSync(new URL("../scenario.json", import.meta.url), "utf8"));
export const info = { name: "opward-client-check", version: "1.0.0" };
const hints = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];

const called = [...new Set(scenario.steps.map((step) => step.tool))].sort();
assert.deepEqual(called, scenario.tools, "the scenario doesn't call every tool");

function matches(expected, actual, where) {
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(actual), `${where} is no list`);
    assert.equal(actual.length, expected.length, `${where} has ${actual.length} elements, not ${expected.length}`);
    expected.forEach((value, index) => matches(value, actual[index], `${where}[${index}]`));
  } else if (expected !== null && typeof expected === "object") {
    assert.ok(actual !== null && typeof actual === "object", `${where} is no object`);
    for (const [key, value] of Object.entries(expected)) {
      assert.ok(key in actual, `${where}.${key} is missing`);
      matches(value, actual[key], `${where}.${key}`);
    }
  } else {
    assert.strictEqual(actual, expected, `${where} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`);
  }
}

function check(step, result) {
  const where = `${step.tool} ${step.say}`;
  const answer = result.structuredContent;
  const text = result.content.map((block) => block.text).join("");
  assert.deepEqual(JSON.parse(text), answer, `${where}: the text is not the JSON of the structured content`);
  if (step.error) {
    assert.equal(result.isError, true, `${where}: it isn't an error: ${text}`);
    assert.equal(answer.error.code, step.error, `${where}: another error: ${text}`);
    assert.ok(answer.error.message, `${where}: the error says nothing`);
  } else {
    assert.ok(!result.isError, `${where}: it is an error: ${text}`);
    matches(step.expect, answer, where);
  }
  if (step.keys) assert.deepEqual(Object.keys(answer).sort(), [...step.keys].sort(), `${where}: other keys`);
  for (const [key, length] of Object.entries(step.lengths ?? {})) {
    assert.equal(answer[key].length, length, `${where}: ${key} is ${answer[key].length} long, not ${length}`);
  }
  if (!step.shows_values) {
    assert.ok(!scenario.values.some((value) => text.includes(value)), `${where}: it shows a value`);
  }
}

// Connects, plays, and closes whatever happens.
export async function play({ name, version, make }, transport) {
  const client = make();
  // v1 tells the version to the transport alone
  let told;
  if (!client.getNegotiatedProtocolVersion) {
    const passOn = transport.setProtocolVersion?.bind(transport);
    transport.setProtocolVersion = (chosen) => {
      told = chosen;
      passOn?.(chosen);
    };
  }
  await client.connect(transport);
  try {
    const spoken = client.getNegotiatedProtocolVersion?.() ?? told;
    assert.equal(spoken, version, `${name} speaks ${spoken}`);
    assert.equal(client.getServerVersion()?.name, "opward");
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map((tool) => tool.name), scenario.tools);
    for (const tool of tools) {
      assert.ok(tool.outputSchema, `${tool.name} has no output schema`);
      for (const hint of hints) assert.equal(typeof tool.annotations?.[hint], "boolean", `${tool.name} lacks ${hint}`);
    }
    for (const step of scenario.steps) {
      check(step, await client.callTool({ name: step.tool, arguments: step.arguments }));
    }
    const { resources } = await client.listResources();
    assert.deepEqual(resources.map((resource) => resource.uri).sort(), ["opward://policy/mine", "opward://secrets"]);
    const { contents } = await client.readResource({ uri: "opward://secrets" });
    assert.ok(contents[0].text.includes("Staging/Stripe"), "the resource doesn't name what there is");
    assert.ok(!scenario.values.some((value) => contents[0].text.includes(value)), "the resource shows a value");
  } finally {
    await client.close();
  }
}
