// Plays ../scenario.json over HTTP with the official TypeScript SDKs: v2 in both lifecycles of the protocol, v1 in
// the one it speaks. Each shows its bearer; with a wrong one, each sees that it isn't let in.
//
//     npm ci && node check_http.mjs BINARY
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2, UnauthorizedError } from "@modelcontextprotocol/client";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as HttpV1, StreamableHTTPError } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { info, play, scenario } from "./conversation.mjs";

const httpScript = fileURLToPath(new URL("../http.sh", import.meta.url));

// v2 has a seam for tokens; v1 has one only for all of OAuth, so it's given the header.
const v2 = {
  connect: (url, token) => new HttpV2(url, { authProvider: { token: async () => token } }),
  refused: (error) => error instanceof UnauthorizedError,
};
const v1 = {
  connect: (url, token) => new HttpV1(url, { requestInit: { headers: { Authorization: `Bearer ${token}` } } }),
  refused: (error) => error instanceof StreamableHTTPError && error.code === 401,
};

const sessions = [
  { name: "TypeScript SDK v2, auto", version: "2026-07-28", make: () => new ClientV2(info, { versionNegotiation: { mode: "auto" } }), ...v2 },
  { name: "TypeScript SDK v2, pinned", version: "2026-07-28", make: () => new ClientV2(info, { versionNegotiation: { mode: { pin: "2026-07-28" } } }), ...v2 },
  { name: "TypeScript SDK v2, legacy", version: "2025-11-25", make: () => new ClientV2(info), ...v2 },
  { name: "TypeScript SDK v1", version: "2025-11-25", make: () => new ClientV1(info), ...v1 },
];

async function withServer(session) {
  const url = new URL(process.env.OPWARD_URL);
  await assert.rejects(
    session.make().connect(session.connect(url, `opw_${"A".repeat(43)}`)),
    (error) => session.refused(error) || assert.fail(`a wrong bearer: ${error}`),
  );
  await play(session, session.connect(url, process.env.OPWARD_TOKEN));
  console.log(`ok   ${session.name}, over HTTP: ${session.version}, ${scenario.steps.length} calls`);
}

if (process.argv[2] === "--session") {
  await withServer(sessions[Number(process.argv[3])]);
} else {
  const binary = realpathSync(process.argv[2]);
  const self = fileURLToPath(import.meta.url);
  for (const index of sessions.keys()) {
    execFileSync("bash", [httpScript, binary, process.execPath, self, "--session", String(index)], { stdio: "inherit" });
  }
}
