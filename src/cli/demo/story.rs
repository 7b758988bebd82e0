//! What an agent asks, what it gets, and which rule decided. A step that doesn't come out as told
//! fails the command.

use rmcp::model::JsonObject;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::output::{Output, Style};
use super::super::stage::{Client, Home};
use super::api;
use crate::app::log::{Filter, Kind, show};
use crate::model::ErrorCode;

const PRINCIPAL: &str = "claude-code";
const WHY: &str = "checking the checkout service on staging";

/// The agent's side of the conversation.
struct Agent<'a> {
    client: Client,
    home: &'a Home,
    output: Output,
    step: usize,
}

/// What a step must come to.
enum Expected {
    Answer,
    Refusal(ErrorCode),
}

pub(super) async fn tell(home: &Home, output: Output) -> Result<(), Failure> {
    let client = Client::start(home.folder(), PRINCIPAL).await?;
    let mut agent = Agent { client, home, output, step: 0 };
    agent.look_around().await?;
    agent.read().await?;
    agent.be_refused().await?;
    agent.use_without_reading().await?;
    agent.change().await?;
    agent.bundle().await?;
    agent.client.end().await.map(drop)
}

impl Agent<'_> {
    async fn look_around(&mut self) -> Result<(), Failure> {
        let list = self.ask("Which secrets are there?", "list_secrets", json!({}), &Expected::Answer).await?;
        let secrets = list.get("secrets").and_then(Value::as_array).map(Vec::len).unwrap_or_default();
        self.told(secrets == 13, &format!("{secrets} items in 4 vaults, by name; no values"), Kind::Intent)?;

        let asked = json!({ "path": "Staging/Stripe" });
        let item = self.ask("What is Staging/Stripe?", "describe_secret", asked, &Expected::Answer).await?;
        let field = item.pointer("/fields/0").cloned().unwrap_or_default();
        let told = field.get("name") == Some(&json!("credential")) && field.get("concealed") == Some(&json!(true));
        let may = field.get("actions").map(ToString::to_string).unwrap_or_default();
        self.told(told, &format!("an API_CREDENTIAL with one concealed field; I may {may}"), Kind::Intent)
    }

    async fn read(&mut self) -> Result<(), Failure> {
        let asked = json!({ "path": "Staging/Stripe/credential" });
        let refusal =
            self.ask("Give me its value.", "get_secret", asked, &Expected::Refusal(ErrorCode::Denied)).await?;
        self.refused(&refusal, Kind::Denied)?;

        let asked = json!({ "path": "op://Staging/Stripe/credential", "reason": WHY });
        let answer = self.ask("Give me its value; here's why.", "get_secret", asked, &Expected::Answer).await?;
        let value = answer.get("value").and_then(Value::as_str).unwrap_or_default();
        self.told(value == "sk_test_51PqXvT2eZvKYlo2C8demo", &format!("{value}, version 1"), Kind::Intent)
    }

    async fn be_refused(&mut self) -> Result<(), Failure> {
        for (question, path) in [
            ("And production's?", "Production/Stripe/credential"),
            ("The payroll password, outside its hour?", "Finance/Payroll/password"),
            ("Something nobody mentioned?", "Team/Wi-Fi/password"),
        ] {
            let asked = json!({ "path": path, "reason": WHY });
            let refusal = self.ask(question, "get_secret", asked, &Expected::Refusal(ErrorCode::Denied)).await?;
            self.refused(&refusal, Kind::Denied)?;
        }
        Ok(())
    }

    async fn use_without_reading(&mut self) -> Result<(), Failure> {
        let list = self.ask("What may be done without reading?", "list_actions", json!({}), &Expected::Answer).await?;
        let names: Vec<&str> =
            ["/commands/0/name", "/http/0/name"].iter().filter_map(|at| list.pointer(at)?.as_str()).collect();
        self.told(names == ["backup-check", "payments"], &names.join(", "), Kind::Intent)?;

        let asked = json!({ "name": "payments", "method": "GET", "path": "/v1/balance" });
        let answer = self.ask("Ask production's API.", "http_request", asked, &Expected::Answer).await?;
        let body = text(&answer, "body");
        let told = answer.get("status") == Some(&json!(200)) && body.contains("[hidden by opward: ");
        self.told(told && !body.contains(api::KEY), &format!("200 {body}"), Kind::Intent)?;

        let asked = json!({ "name": "payments", "method": "GET", "path": "/v2/keys" });
        let refusal =
            self.ask("Something else there?", "http_request", asked, &Expected::Refusal(ErrorCode::Invalid)).await?;
        self.refused(&refusal, Kind::Error)?;

        let asked = json!({ "name": "backup-check" });
        let answer = self.ask("Run the check that needs a password.", "run_command", asked, &Expected::Answer).await?;
        let shown = text(&answer, "stdout");
        let told = answer.get("exit_code") == Some(&json!(0)) && shown.contains("[hidden by opward: ");
        self.told(told, &format!("exit code 0; {}", shown.trim_end()), Kind::Intent)
    }

    async fn change(&mut self) -> Result<(), Failure> {
        let asked = json!({
            "path": "Staging/Webhook/credential", "value": "whsec_demo_4f2a", "category": "api_key",
            "tags": ["payments"], "reason": WHY,
        });
        let answer = self.ask("Store a webhook's secret.", "put_secret", asked, &Expected::Answer).await?;
        let told = answer.get("created") == Some(&Value::Bool(true));
        self.told(told, &format!("stored as {}, a new item", text(&answer, "path")), Kind::Intent)?;

        let asked = json!({ "path": "Staging/Stripe/credential", "if_version": 1, "reason": WHY });
        let answer = self.ask("Rotate the Stripe key.", "rotate_and_store", asked, &Expected::Answer).await?;
        let told = answer.get("version") == Some(&json!(2)) && answer.get("value").is_none();
        self.told(told, "version 2 instead of 1; nobody has seen the new value", Kind::Intent)?;

        let asked = json!({ "path": "Staging/Stripe/credential", "if_version": 1, "reason": WHY });
        let refusal = self
            .ask("Again, from what I knew before.", "rotate_and_store", asked, &Expected::Refusal(ErrorCode::Conflict))
            .await?;
        self.refused(&refusal, Kind::Intent)
    }

    async fn bundle(&mut self) -> Result<(), Failure> {
        let asked = json!({ "path": "checkout", "reason": WHY });
        let answer =
            self.ask("What does the checkout service need?", "get_env_bundle", asked, &Expected::Answer).await?;
        let keys: Vec<&str> =
            answer.get("env").and_then(Value::as_object).into_iter().flatten().map(|(key, _)| key.as_str()).collect();
        let told =
            keys == ["REDIS_PASSWORD", "STRIPE_KEY"] && answer.get("denied") == Some(&json!(["DATABASE_PASSWORD"]));
        self.told(told, &format!("{}; denied: DATABASE_PASSWORD", keys.join(", ")), Kind::Intent)?;

        let asked = json!({ "path": "Staging/checkout-env", "reason": WHY });
        let answer = self.ask("And the note with its settings?", "get_env_bundle", asked, &Expected::Answer).await?;
        let told = answer.pointer("/env/GREETING") == Some(&json!("Hello, \"you\""));
        self.told(told, "GREETING, LOG_LEVEL, read as a .env file", Kind::Intent)
    }

    /// Puts one question to the server.
    async fn ask(
        &mut self,
        question: &str,
        tool: &'static str,
        arguments: Value,
        expected: &Expected,
    ) -> Result<Value, Failure> {
        self.step += 1;
        let Value::Object(arguments) = arguments else {
            return Err(self.wrong("arguments are an object"));
        };
        let asked = words(tool, &arguments);
        let (answer, failed) = self.client.call(tool, arguments).await?;
        let number = self.output.paint(Style::Strong, format!("{:>2}.", self.step));
        self.output.line(format!("{number} {question}\n    {}", self.output.paint(Style::Dim, asked)));
        let code = answer.pointer("/error/code").and_then(Value::as_str);
        let as_told = match expected {
            Expected::Answer => !failed,
            Expected::Refusal(expected) => failed && code == Some(expected.as_str()),
        };
        if as_told {
            Ok(answer)
        } else {
            Err(self.wrong(&format!("unexpected answer, code {}", code.unwrap_or("none"))))
        }
    }

    /// Shows an answer, with the rule that let it through.
    fn told(&self, as_told: bool, answer: &str, kind: Kind) -> Result<(), Failure> {
        if !as_told {
            return Err(self.wrong(answer));
        }
        let rules = self.rules(kind)?;
        self.output.line(format!("    {} {answer}{rules}\n", self.output.paint(Style::Good, "→")));
        Ok(())
    }

    /// Shows a refusal, with the rule that decided and what can be done.
    fn refused(&self, refusal: &Value, kind: Kind) -> Result<(), Failure> {
        let text = |key: &str| refusal.pointer(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let rules = self.rules(kind)?;
        let arrow = self.output.paint(Style::Bad, "✗");
        self.output.line(format!("    {arrow} {}{rules}\n      {}\n", text("/error/message"), text("/error/hint")));
        Ok(())
    }

    /// The rules in the log's last record of a kind.
    fn rules(&self, kind: Kind) -> Result<String, Failure> {
        let filter = Filter { kind: Some(kind), last: Some(1), ..Filter::default() };
        let mut records = show(&self.home.audit_file(), filter).map_err(|error| self.wrong(&error.to_string()))?;
        let record = records.next().and_then(Result::ok).ok_or_else(|| self.wrong("the step isn't in the log"))?;
        let by = match (record.rules.is_empty(), kind == Kind::Intent) {
            (false, _) => format!(": {}", record.rules.join(", ")),
            (true, true) => ": each field decided by itself".to_owned(),
            // What's missing stands in the refusal.
            (true, false) => String::new(),
        };
        Ok(self.output.paint(Style::Dim, format!("  [record {}{by}]", record.seq)))
    }

    fn wrong(&self, what: &str) -> Failure {
        Failure::new(ErrorCode::Internal, format!("step {} of the demo didn't come out as told: {what}", self.step), "")
    }
}

fn words(tool: &str, arguments: &JsonObject) -> String {
    format!("{tool} {}", Value::Object(arguments.clone()))
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}
