"""Plays ../scenario.json with the official Python SDK, in both lifecycles of the protocol.

    pip install --require-hashes -r requirements.txt
    python check.py BINARY
"""

import asyncio
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import mcp
from mcp.client.stdio import StdioServerParameters

HERE = pathlib.Path(__file__).resolve().parent
SCENARIO = json.loads((HERE.parent / "scenario.json").read_text(encoding="utf-8"))
LIFECYCLES = [("auto", "2026-07-28"), ("legacy", "2025-11-25")]
HINTS = ["read_only_hint", "destructive_hint", "idempotent_hint", "open_world_hint"]


class Wrong(Exception):
    """An answer isn't the one the scenario tells."""


def require(condition, what):
    if not condition:
        raise Wrong(what)


def matches(expected, actual, where="answer"):
    if isinstance(expected, dict):
        require(isinstance(actual, dict), f"{where} is no object")
        for key, value in expected.items():
            require(key in actual, f"{where}.{key} is missing")
            matches(value, actual[key], f"{where}.{key}")
    elif isinstance(expected, list):
        require(isinstance(actual, list), f"{where} is no list")
        require(len(actual) == len(expected), f"{where} has {len(actual)} elements, not {len(expected)}")
        for index, value in enumerate(expected):
            matches(value, actual[index], f"{where}[{index}]")
    else:
        same = type(actual) is type(expected) and actual == expected
        require(same, f"{where} is {actual!r}, not {expected!r}")


def check(step, result):
    answer = result.structured_content
    text = "".join(block.text for block in result.content)
    require(json.loads(text) == answer, "the text is not the JSON of the structured content")
    if "error" in step:
        require(result.is_error is True, f"it isn't an error: {text}")
        require(answer["error"]["code"] == step["error"], f"another error: {text}")
        require(bool(answer["error"]["message"]), "the error says nothing")
    else:
        require(not result.is_error, f"it is an error: {text}")
        matches(step["expect"], answer)
    if "keys" in step:
        require(sorted(answer) == sorted(step["keys"]), f"it has the keys {sorted(answer)}")
    for key, length in step.get("lengths", {}).items():
        require(len(answer[key]) == length, f"{key} is {len(answer[key])} long, not {length}")
    if not step.get("shows_values"):
        leaked = [value for value in SCENARIO["values"] if value in text]
        require(not leaked, "it shows a value")


async def play(server, mode, version):
    passed = 0
    async with mcp.Client(server, mode=mode) as client:
        require(client.protocol_version == version, f"it speaks {client.protocol_version}, not {version}")
        require(client.server_info.name == "opward", f"it is called {client.server_info.name}")
        tools = (await client.list_tools()).tools
        require([tool.name for tool in tools] == SCENARIO["tools"], f"it has other tools: {tools}")
        for tool in tools:
            require(tool.output_schema is not None, f"{tool.name} has no output schema")
            hints = [getattr(tool.annotations, hint) for hint in HINTS]
            require(None not in hints, f"{tool.name} lacks an annotation")
        for step in SCENARIO["steps"]:
            result = await client.call_tool(step["tool"], step["arguments"])
            try:
                check(step, result)
            except Wrong as wrong:
                raise Wrong(f"{step['tool']} {step['say']}: {wrong}") from None
            passed += 1
        uris = sorted(str(resource.uri) for resource in (await client.list_resources()).resources)
        require(uris == ["opward://policy/mine", "opward://secrets"], f"it has the resources {uris}")
        secrets = (await client.read_resource("opward://secrets")).contents[0].text
        require("Staging/Stripe" in secrets, "the resource doesn't name what there is")
        require(not any(value in secrets for value in SCENARIO["values"]), "the resource shows a value")
    called = {step["tool"] for step in SCENARIO["steps"]}
    require(sorted(called) == SCENARIO["tools"], "the scenario doesn't call every tool")
    return passed


def main():
    binary = os.path.realpath(sys.argv[1])
    for mode, version in LIFECYCLES:
        with tempfile.TemporaryDirectory() as home:
            subprocess.run(["bash", str(HERE.parent / "home.sh"), binary, home], check=True)
            server = StdioServerParameters(
                command=binary, args=["serve", "--principal", SCENARIO["principal"]], env={"OPWARD_HOME": home}
            )
            passed = asyncio.run(asyncio.wait_for(play(server, mode, version), timeout=120))
            subprocess.run(
                [binary, "audit", "verify"],
                check=True,
                env={**os.environ, "OPWARD_HOME": home},
                stdout=subprocess.DEVNULL,
            )
        print(f"ok   Python SDK, {mode}: {version}, {passed} calls")


if __name__ == "__main__":
    main()
