"""Plays ../scenario.json over HTTP with the official Python SDK, in both lifecycles of the protocol; without a bearer
and with a wrong one it isn't let in.

    pip install --require-hashes -r requirements.txt
    python check_http.py BINARY
"""

import asyncio
import logging
import os
import subprocess
import sys

import httpx2
import mcp
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from check import HERE, LIFECYCLES, Wrong, play, require


class Bearer(httpx2.Auth):
    """Shows a token with every request, and remembers how the server takes it."""

    def __init__(self, token):
        self.token = token
        self.answers = []

    def auth_flow(self, request):
        if self.token is not None:
            request.headers["Authorization"] = f"Bearer {self.token}"
        response = yield request
        self.answers.append((response.status_code, response.headers.get("www-authenticate")))


async def refused(url, mode, token, challenge):
    bearer = Bearer(token)
    try:
        async with create_mcp_http_client(auth=bearer) as http:
            async with mcp.Client(streamable_http_client(url, http_client=http), mode=mode) as client:
                await client.list_tools()
    except Exception:  # whatever the SDK makes of it: what counts is what it was told
        require(bearer.answers, "nothing was asked")
        for status, told in bearer.answers:
            require(status == 401, f"the status is {status}, not 401")
            require(told is not None and told.startswith("Bearer"), f"the challenge is {told}")
            require(("invalid_token" in told) == challenge, f"the challenge is {told}")
    else:
        raise Wrong("it was let in")


async def session(mode, version):
    url = os.environ["OPWARD_URL"]
    await refused(url, mode, None, challenge=False)
    await refused(url, mode, "opw_" + "A" * 43, challenge=True)
    bearer = Bearer(os.environ["OPWARD_TOKEN"])
    async with create_mcp_http_client(auth=bearer) as http:
        passed = await play(streamable_http_client(url, http_client=http), mode, version)
    statuses = {status for status, _ in bearer.answers}
    require(statuses <= {200, 202, 204, 404, 405}, f"there were the statuses {statuses}")
    print(f"ok   Python SDK, {mode}, over HTTP: {version}, {passed} calls")


def main():
    if sys.argv[1] == "--session":
        # It says for each refusal what it makes of it.
        logging.disable(logging.CRITICAL)
        mode = sys.argv[2]
        asyncio.run(asyncio.wait_for(session(mode, dict(LIFECYCLES)[mode]), timeout=120))
        return
    for mode, _ in LIFECYCLES:
        command = [sys.executable, os.path.realpath(__file__), "--session", mode]
        subprocess.run(["bash", str(HERE.parent / "http.sh"), os.path.realpath(sys.argv[1]), *command], check=True)


if __name__ == "__main__":
    main()
