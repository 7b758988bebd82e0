// Plays ../scenario.json with the official TypeScript SDKs: v2 in both lifecycles of the protocol, v1 in
// the one it speaks.
//
//     npm ci && node check.mjs BINARY
import { execFileSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Client as ClientV2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as StdioV2 } from "@modelcontextprotocol/client/stdio";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as StdioV1 } from "@modelcontextprotocol/sdk/client/stdio.js";

import { info, play, scenario } from "./conversation.mjs";

const homeScript = new URL("../home.sh", import.meta.url).pathname;

const sessions = [
  { name: "TypeScript SDK v2, auto", version: "2026-07-28", make: () => new ClientV2(info, { versionNegotiation: { mode: "auto" } }), Stdio: StdioV2 },
  { name: "TypeScript SDK v2, legacy", version: "2025-11-25", make: () => new ClientV2(info), Stdio: StdioV2 },
  { name: "TypeScript SDK v1", version: "2025-11-25", make: () => new ClientV1(info), Stdio: StdioV1 },
];

const binary = realpathSync(process.argv[2]);
for (const session of sessions) {
  const home = mkdtempSync(join(tmpdir(), "opward-client-"));
  try {
    execFileSync("bash", [homeScript, binary, home], { stdio: "inherit" });
    const transport = new session.Stdio({
      command: binary,
      args: ["serve", "--principal", scenario.principal],
      env: { OPWARD_HOME: home },
    });
    await play(session, transport);
    execFileSync(binary, ["audit", "verify"], { env: { ...process.env, OPWARD_HOME: home } });
    console.log(`ok   ${session.name}: ${session.version}, ${scenario.steps.length} calls`);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
