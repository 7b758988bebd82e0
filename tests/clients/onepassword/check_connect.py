"""Lists, finds, creates, reads, updates and deletes with 1Password's own Python SDK against the stand-in for a
Connect server.

    pip install --require-hashes -r requirements.txt
    python check_connect.py FAKE_CONNECT
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import urllib.request

from onepasswordconnectsdk.client import new_client
from onepasswordconnectsdk.models import Field, FieldSection, GeneratorRecipe, Item, ItemVault, Section
from onepasswordconnectsdk.models.item_urls import ItemUrls

# What the built-in world holds.
VAULT = "ftz4pm2xxwmwrsd7rjqn7grzfz"
READ_ONLY = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
HIDDEN = "bbbbbbbbbbbbbbbbbbbbbbbbbb"
ITEM = "2fcbqwe9ndg175zg2dzwftvkpa"
FILE = "6r65pjq33banznomn7q22sj44e"
CONTENT = b"The future belongs to the curious.\n"


class Wrong(Exception):
    """An answer isn't what it has to be."""


def same(actual, expected):
    if actual != expected:
        raise Wrong(f"{actual!r} isn't {expected!r}")


def refused(call, says):
    """The SDK puts the status into its text."""
    try:
        call()
    except Wrong:
        raise
    except Exception as error:
        if says not in str(error):
            raise Wrong(f"{error} doesn't say {says!r}") from None
    else:
        raise Wrong(f"nobody said {says!r}")


def field(item, label):
    return next(field for field in item.fields if field.label == label)


def reads(client):
    same([vault.id for vault in client.get_vaults()], [VAULT, READ_ONLY])
    same(client.get_vault(VAULT).name, "Automation")
    same(client.get_vault_by_title("Automation").id, VAULT)
    same(len(client.get_items(VAULT)), 3)
    same([item.id for item in client.get_items(VAULT, 'tag eq "ci"')], [ITEM])
    item = client.get_item(ITEM, VAULT)
    same(field(item, "password").value, "canary-password")
    if not re.fullmatch(r"\d{6}", field(item, "one-time password").totp):
        raise Wrong("no code")
    same([file.id for file in client.get_files(ITEM, VAULT)], [FILE])
    same(client.get_file(FILE, ITEM, VAULT).size, len(CONTENT))
    same(client.get_file_content(FILE, ITEM, VAULT), CONTENT)
    path = client.get_file(FILE, ITEM, VAULT).content_path
    same(client.get_file_content(FILE, ITEM, VAULT, path), CONTENT)


def writes(client):
    made = client.create_item(
        VAULT,
        Item(
            title="Py made",
            category="API_CREDENTIAL",
            vault=ItemVault(id=VAULT),
            tags=["b", "a"],
            urls=[ItemUrls(primary=True, href="https://p.example")],
            sections=[Section(id="oauth", label="OAuth")],
            fields=[
                Field(id="username", type="STRING", label="username", value="u"),
                Field(type="CONCEALED", label="refresh_token", value="rt-1", section=FieldSection(id="oauth")),
                Field(
                    type="CONCEALED",
                    label="made",
                    generate=True,
                    recipe=GeneratorRecipe(length=12, character_sets=["DIGITS"]),
                ),
            ],
        ),
    )
    same((made.version, made.tags), (1, ["a", "b"]))
    generated = field(made, "made").value
    if not re.fullmatch(r"\d{12}", generated):
        raise Wrong("the recipe wasn't followed")
    found = client.get_item("Py made", "Automation")
    same(found.id, made.id)
    field(found, "refresh_token").value = "rt-2"
    # The reply has the old version.
    same(client.update_item(found.id, VAULT, found).version, 1)
    after = client.get_item_by_id(made.id, VAULT)
    same((after.version, field(after, "refresh_token").value, field(after, "made").value), (2, "rt-2", generated))
    client.delete_item(made.id, VAULT)
    refused(lambda: client.get_item_by_id(made.id, VAULT), "Received 404")


def refusals(client, url):
    refused(lambda: client.get_item("Twin", "Automation"), "Found 2 items")
    refused(lambda: client.get_item("zzzzzzzzzzzzzzzzzzzzzzzzzz", VAULT), "Found 0 items")
    # The SDK escapes neither of these in its filters.
    refused(lambda: client.get_vault_by_title('Read "only" / vault'), "Received 400")
    refused(lambda: client.get_item('GitHub / prod & "ci" é', VAULT), "Received 400")
    refused(lambda: client.get_vault(HIDDEN), "Received 403")
    refused(lambda: client.get_vault("not an id"), "Received 400")
    login = Item(title="x", category="LOGIN", vault=ItemVault(id=READ_ONLY))
    refused(lambda: client.create_item(READ_ONLY, login), "Received 401")
    custom = Item(title="x", category="CUSTOM", vault=ItemVault(id=VAULT))
    refused(lambda: client.create_item(VAULT, custom), "Received 400")
    refused(lambda: new_client(url, "wrong").get_vaults(), "Received 401")


async def asynchronously(url, token):
    client = new_client(url, token, True)
    same(len(await client.get_vaults()), 2)
    same((await client.get_item(ITEM, VAULT)).id, ITEM)
    await client.session.aclose()


def main():
    binary = os.path.realpath(sys.argv[1])
    with subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        started = json.loads(server.stdout.readline())
        url, token = started["url"], started["token"]
        client = new_client(url, token)
        reads(client)
        writes(client)
        refusals(client, url)
        asyncio.run(asynchronously(url, token))
        requests = json.load(urllib.request.urlopen(f"{url}/_fake/requests"))
        same({request["headers"]["user-agent"].split("/")[0] for request in requests}, {"python-httpx"})
        print(f"ok   onepasswordconnectsdk 2.1.0: {len(requests)} requests")
        # Leaving closes its standard input, which ends it.


if __name__ == "__main__":
    main()
