//! Lists, items, references, limits.

use serde_json::{Value, json};

use crate::fake_op::{GITHUB, PRODUCTION, STAGING, seed};
use crate::{Op, Stdin};

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[test]
fn keys_come_in_the_order_of_op_and_empty_ones_not_at_all() {
    let text = Op::new().ok(&["item", "get", GITHUB, "--vault", STAGING, "--format=json"]);
    let keys: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("  \"")?.split('"').next()).collect();
    let expected = "id title tags favorite version vault category last_edited_by created_at updated_at \
                    additional_information urls sections fields";
    assert_eq!(keys.join(" "), expected);
    assert!(text.contains("  \"tags\": [\"ci\", \"payments/eu\"],\n"));
    assert!(text.ends_with("\n}\n") && !text.ends_with("\n\n"));
    let item: Value = serde_json::from_str(&text).unwrap();
    assert!(item["fields"].as_array().unwrap().iter().all(|field| field["value"] != ""));
    let token = text.split("z3vb5dh5xqqc3oikk4qszbfl7a").nth(1).unwrap();
    let keys: Vec<&str> = token.lines().filter_map(|line| line.strip_prefix("      \"")?.split('"').next()).collect();
    assert_eq!(&keys[..5], ["section", "type", "label", "value", "reference"]);
}

#[test]
fn references_fall_back_to_ids() {
    let op = Op::new();
    let odd = op.json(&["item", "get", "Café/Bar (New & Title)", "--vault", "staging"]);
    let id = odd["id"].as_str().unwrap();
    let references: Vec<&str> =
        odd["fields"].as_array().unwrap().iter().map(|field| field["reference"].as_str().unwrap()).collect();
    assert_eq!(references[0], format!("op://Staging/{id}/password"));
    assert_eq!(references[2], format!("op://Staging/{id}/aim"));
    let mess = op.json(&["item", "get", "Mess", "--vault", STAGING]);
    let fields = mess["fields"].as_array().unwrap();
    assert_eq!(fields[4]["reference"], fields[5]["reference"]);
    assert_eq!(fields[7]["reference"], "op://Staging/Mess/No id/nolabel3kq6ndd2vbh5x3sgx2u");
    let github = op.json(&["item", "get", GITHUB, "--vault", STAGING]);
    assert_eq!(github["fields"][3]["reference"], "op://Staging/GitHub/add more/one-time password");
    assert_eq!(github["fields"][3]["totp"].as_str().unwrap().len(), 6);
}

#[test]
fn lists_show_neither_fields_nor_what_is_archived() {
    let op = Op::new();
    let all = op.json(&["item", "list"]);
    assert_eq!(all.as_array().unwrap().len(), 12);
    assert!(all.as_array().unwrap().iter().all(|item| item.get("fields").is_none()));
    assert!(all.to_string().contains("canary-runbook-beginning"), "a list isn't free of values");
    assert!(ids(&op.json(&["item", "list", "--vault", "PRODUCTION"])).iter().all(|id| id.starts_with("prod")));
    assert_eq!(op.json(&["item", "list", "--vault", PRODUCTION]).as_array().unwrap().len(), 2);
    let archived = op.json(&["item", "list", "--include-archive"]);
    assert!(archived.as_array().unwrap().iter().any(|item| item["state"] == "ARCHIVED"));
    assert_eq!(ids(&op.json(&["item", "list", "--tags", "payments"])).len(), 2);
    assert_eq!(ids(&op.json(&["item", "list", "--categories", "Login,ssh key"])).len(), 3);
    assert_eq!(ids(&op.json(&["item", "list", "--favorite"])), [GITHUB]);
    assert!(op.error(&["item", "list", "--vault", "None"]).starts_with("\"None\" isn't a vault in this account."));
}

#[test]
fn vaults_have_more_to_say_from_2_30_on_or_as_set() {
    let keys = |op: &Op| op.json(&["vault", "list"])[0].as_object().unwrap().len();
    assert_eq!(keys(&Op::new()), 6);
    assert_eq!(keys(&Op::new().version("2.24.0")), 3);
    let op = Op::new();
    op.settings(&json!({ "vault_list": "short" }));
    assert_eq!(keys(&op), 3);
    assert_eq!(op.json(&["vault", "get", "staging"])["items"], 10);
}

#[test]
fn titles_may_be_ambiguous_missing_or_archived() {
    let op = Op::new();
    let get = |query| op.error(&["item", "get", query, "--vault", "Staging"]);
    let twins = get("TWIN");
    assert!(twins.starts_with("More than one item matches \"TWIN\". Try again and specify the item by its ID:"));
    assert!(twins.contains("\n\t* for the item \"twin\" in vault Staging: twin2a"), "{twins}");
    let missing = "\"nope\" isn't an item in the \"Staging\" vault. Specify the item with its UUID, name, or domain.";
    assert_eq!(get("nope"), missing);
    assert!(get("Old token").contains("isn't an item in the"));
    let archived = op.json(&["item", "get", "Old token", "--vault", "Staging", "--include-archive"]);
    let by_id = op.json(&["item", "get", archived["id"].as_str().unwrap(), "--vault", "Staging"]);
    assert_eq!(by_id["state"], "ARCHIVED");
    assert_eq!(op.json(&["item", "get", "github.com", "--vault", "Staging"])["id"], GITHUB);
    let single = Op::new().signed_in(&[("OP_SERVICE_ACCOUNT_TOKEN", "ops_staging")]);
    assert_eq!(
        single.error(&["item", "get", "x"]),
        "\"x\" isn't an item. Specify the item with its UUID, name, or domain."
    );
}

#[test]
fn people_get_it_concealed() {
    let op = Op::new();
    let shown = op.ok(&["item", "get", "Stripe", "--vault", "Staging"]);
    assert!(!shown.contains("value-stripe"), "{shown}");
    assert!(shown.contains("[use 'op item get stripeaaaaaaaaaaaaaaaaaaaa --reveal' to reveal]"));
    assert!(op.ok(&["item", "get", "Stripe", "--vault", "Staging", "--reveal"]).contains("value-stripe-credential"));
    assert!(op.ok(&["item", "list"]).starts_with("ID "));
}

#[test]
fn some_fields_are_one_object_or_a_list() {
    let op = Op::new();
    let get = |fields| op.json(&["item", "get", GITHUB, "--vault", "Staging", "--fields", fields]);
    assert_eq!(get("label=username")["id"], "username");
    assert_eq!(get("type=otp")["type"], "OTP");
    assert_eq!(get("username,password").as_array().unwrap().len(), 2);
    let code = op.ok(&["item", "get", GITHUB, "--vault", "Staging", "--otp"]);
    assert_eq!(code.trim().len(), 6);
    assert!(op.error(&["item", "get", GITHUB, "--vault", "Staging", "--fields", "zip"]).contains("isn't a field"));
}

#[test]
fn several_items_come_one_after_another() {
    let op = Op::new();
    let list = op.ok(&["item", "list", "--format=json"]);
    let words = ["item", "get", "-", "--format=json"];
    let answer = op.run_with(&words, &Stdin::Pipe(&list));
    let items: Vec<Value> =
        serde_json::Deserializer::from_slice(&answer.stdout).into_iter().map(Result::unwrap).collect();
    assert_eq!((answer.exit, items.len()), (Some(0), 12));
    assert!(items[0]["fields"].is_array());
    let stream =
        format!(r#"{{"id":"{GITHUB}","vault":{{"id":"{STAGING}"}}}} {{"id":"none","vault":{{"id":"{STAGING}"}}}}"#);
    let answer = op.run_with(&words, &Stdin::Pipe(&stream));
    assert_eq!(answer.exit, Some(1));
    assert!(answer.text().contains("value-github-password") && answer.stderr.contains("isn't an item"));
    op.settings(&json!({ "batch_get": "one_bad_sinks_all" }));
    assert!(op.run_with(&words, &Stdin::Pipe(&stream)).error(1).contains("\"none\" isn't an item"));
    op.settings(&json!({ "batch_get": "unsupported" }));
    let unsupported = ["item", "get", "-", "--vault", "Staging", "--format=json"];
    assert!(op.run_with(&unsupported, &Stdin::Pipe(&list)).error(1).starts_with("\"-\" isn't an item"));
    op.settings(&json!({ "batch_get": "ok" }));
    assert!(op.run_with(&unsupported, &Stdin::File(&list)).error(1).starts_with("\"-\" isn't an item"));
    assert_eq!(op.run_with(&words, &Stdin::Pipe("{\"id\":")).error(1), "invalid JSON in piped input");
}

#[test]
fn references_are_read_as_op_reads_them() {
    let op = Op::new();
    let read = |reference: &str| op.ok(&["read", "-n", reference]);
    assert_eq!(op.ok(&["read", "op://staging/github/PASSWORD"]), "value-github-password\n");
    assert_eq!(read("op://Staging/GitHub/Tokens/deploy token"), "value-github-deploy-token");
    assert_eq!(read(&format!("op://{STAGING}/{GITHUB}/password")), "value-github-password");
    assert_eq!(read("op://Staging/GitHub/one-time password?attribute=otp").len(), 6);
    assert_eq!(read("op://Staging/GitHub/password?attr=type"), "CONCEALED");
    assert_eq!(read("op://Staging/Runbook/notesPlain"), "value-runbook-line-1\nvalue-runbook-line-2\n\n");
    assert!(read("op://Staging/Deploy key/private key?ssh-format=openssh").contains("value-deploy-key-openssh"));
    assert_eq!(read("op://Production/Runner/runner.pem"), "value-runner-file");
    assert_eq!(read("op://Staging/archivedaaaaaaaaaaaaaaaaaa/password"), "canary-archived-password");
    for (reference, text) in [
        ("op://Staging/GitHub", "too few '/'"),
        ("op://a/b/c/d/e", "too many '/'"),
        ("op://Staging/it(em)/x", "invalid character in secret reference: '('"),
        ("op://Staging/GitHub/zip", "item 'Staging/GitHub' does not have a field 'zip'"),
        ("op://Staging/none/zip", "could not get item Staging/none: \"none\" isn't an item in the \"Staging\" vault."),
        ("op://None/none/zip", "could not get item None/none: \"None\" isn't a vault in this account."),
        ("op://Staging/Old token/password", "isn't an item"),
        ("op://Staging/Mess/token", "more than one field"),
    ] {
        let error = op.error(&["read", reference]);
        assert!(
            error.starts_with(&format!("could not read secret '{reference}': ")) && error.contains(text),
            "{error}"
        );
    }
    op.settings(&json!({ "read_ambiguous": "first", "read_archived_by_title": true, "read_archived_by_id": false }));
    assert_eq!(read("op://Staging/Mess/token"), "value-mess-token-1");
    assert_eq!(read("op://Staging/Old token/password"), "canary-archived-password");
    assert!(op.error(&["read", "op://Staging/archivedaaaaaaaaaaaaaaaaaa/password"]).contains("deleted or archived"));
}

#[test]
fn a_template_is_filled_in_or_refused_as_a_whole() {
    let op = Op::new().signed_in(&[("OP_SERVICE_ACCOUNT_TOKEN", "ops_seed"), ("WHERE", "Staging")]);
    let inject = |template: &str| op.run_with(&["inject"], &Stdin::Pipe(template));
    let filled =
        inject("a={{ op://$WHERE/GitHub/Tokens/deploy token }};b=op://${WHERE:-x}/Stripe/credential;{{ other }}$\n");
    assert_eq!(filled.text(), "a=value-github-deploy-token;b=value-stripe-credential;{{ other }}$\n\n");
    assert_eq!(inject("${NONE:-other}").text(), "other\n");
    assert_eq!(
        inject("x\n{{ op://Staging/GitHub/password }} {{ op://Staging/none/password }}").error(1),
        "could not resolve item UUID for item none: could not find item none in vault Staging"
    );
    assert_eq!(inject("{{ op://Staging/it(em)/x }}").error(1), "parsing error at 1:19: invalid character: (");
    assert!(op.run_with(&["inject"], &Stdin::File("x")).error(1).contains("expected data on stdin"));
    let named = op.run_with(&["inject", "--in-file=/dev/stdin"], &Stdin::File("op://Staging/Stripe/credential"));
    assert_eq!(named.text(), "value-stripe-credential\n");
}

#[test]
fn a_program_gets_what_its_variables_refer_to_and_its_output_is_masked() {
    let variables = [("OP_SERVICE_ACCOUNT_TOKEN", "ops_seed"), ("KEY", "op://Staging/Stripe/credential")];
    let op = Op::new().signed_in(&variables);
    let words = ["--", "/bin/sh", "-c", "echo $KEY; exit 3"];
    let run = |flags: &[&str]| op.run(&[&["run"], flags, &words].concat());
    assert_eq!((run(&[]).text(), run(&[]).exit), ("<concealed by 1Password>\n", Some(3)));
    assert_eq!(run(&["--no-masking"]).text(), "value-stripe-credential\n");
    std::fs::write(op.fake.home().join("env"), "# a comment\nKEY=op://Staging/Orders DB/password\n").unwrap();
    assert_eq!(run(&["--no-masking", "--env-file=env"]).text(), "value-orders-password\n");
}

#[test]
fn each_command_costs_what_is_published() {
    let spent = |words: &[&str], settings: &Value| {
        let op = Op::new();
        op.settings(settings);
        op.run(words);
        let spent = op.fake.world()["spent"].clone();
        (spent["reads"].as_u64().unwrap_or(0), spent["writes"].as_u64().unwrap_or(0))
    };
    let none = json!({});
    let by_ids = format!("op://{STAGING}/{GITHUB}/password");
    for (words, cost) in [
        (&["--version"][..], (0, 0)),
        (&["account", "list"], (0, 0)),
        (&["vault", "list"], (1, 0)),
        (&["vault", "get", "Staging"], (2, 0)),
        (&["vault", "get", STAGING], (1, 0)),
        (&["item", "list"], (3, 0)),
        (&["item", "list", "--vault", "Staging"], (3, 0)),
        (&["item", "list", "--vault", STAGING], (2, 0)),
        (&["item", "get", GITHUB, "--vault", STAGING], (1, 0)),
        (&["item", "get", GITHUB, "--vault", "Staging"], (3, 0)),
        (&["read", "op://Staging/GitHub/password"], (3, 0)),
        (&["read", &by_ids], (1, 0)),
        (&["item", "create", "--category=login", "--title=x", "--vault", "Staging"], (1, 1)),
        (&["item", "create", "--category=login", "--title=x", "--vault", STAGING], (0, 1)),
        (&["item", "edit", GITHUB, "--title=x", "--vault", STAGING], (4, 1)),
        (&["item", "delete", GITHUB, "--vault", "Staging"], (5, 1)),
        (&["service-account", "ratelimit"], (1, 0)),
        (&["run", "--", "true"], (2, 0)),
    ] {
        assert_eq!(spent(words, &none), cost, "{words:?}");
    }
    assert_eq!(spent(&["service-account", "ratelimit"], &json!({ "ratelimit_reads": 0 })), (0, 0));
    assert_eq!(spent(&["run", "--", "true"], &json!({ "run_reads": 5 })), (5, 0));
    let inject = |settings: &Value| {
        let op = Op::new();
        op.settings(settings);
        op.run_with(&["inject"], &Stdin::Pipe("op://Staging/Stripe/credential op://Staging/GitHub/password"));
        op.fake.world()["spent"]["reads"].as_u64().unwrap()
    };
    assert_eq!(inject(&none), 2);
    assert_eq!(inject(&json!({ "inject_reads": 1 })), 1);
    assert_eq!(inject(&json!({ "inject_cost": "per_reference" })), 6);
}

#[test]
fn who_has_used_up_the_allowance_is_told_when_to_come_back() {
    let mut world = seed();
    world["limits"] = json!({ "reads_left": 4, "writes_left": 0, "reset_s": 1700 });
    let op = Op::with(&world);
    let list = op.json(&["service-account", "ratelimit"]);
    assert_eq!(list[1], json!({"type":"token","action":"read","limit":1000,"used":997,"remaining":3,"reset":1700}));
    op.ok(&["read", "op://Staging/Stripe/credential"]);
    assert_eq!(
        op.error(&["vault", "list"]),
        "(429) Too Many Requests: You've reached the maximum number of this type of requests this service account is \
         allowed to make. Please retry in 29 minutes or try other requests."
    );
    op.fake.change(|world| world["limits"]["reads_left"] = json!(100));
    assert!(op.error(&["item", "edit", GITHUB, "--vault", STAGING, "--title=x"]).starts_with("(429)"));
    assert_eq!(op.fake.item(GITHUB).unwrap()["title"], "GitHub");
}
