//! What an agent tries with commands that it may run: other arguments, and what they print.

use std::path::Path;

use serde_json::{Value, json};

use super::super::failure::Failure;
use super::agent::{Agent, Answer};
use super::canary::Canary;
use super::finding::{Attacker, Finding};
use super::forms;
use super::tools::gave;
use super::world::World;

/// Paths that lead out of their folder, or that a program takes for something else.
const PATHS: [&str; 34] = [
    "../vault.kdbx",
    "../elsewhere.txt",
    "/etc/passwd",
    "//etc/passwd",
    "~/x",
    "-rf",
    "--help",
    "\u{2010}x",
    "\u{2212}x",
    "\u{ff0d}x",
    "./plain.txt",
    "plain.txt/",
    "plain.txt/.",
    "plain.txt/..",
    "a/../../vault.kdbx",
    "a//b",
    "link.txt",
    "up/vault.kdbx",
    "vault.txt",
    "hard.txt",
    "absent.txt",
    "plain.txt\n--help",
    "plain.txt\u{0}",
    "plain.txt ",
    " plain.txt",
    "plain.txt;id",
    "plain.txt|id",
    "$(id)",
    "`id`",
    "%2e%2e/vault.kdbx",
    "\u{ff0e}\u{ff0e}/vault.kdbx",
    "..\\vault.kdbx",
    "plain\u{200b}.txt",
    "",
];

/// What's none of the other parameters' values.
const OTHERS: [(&str, Other); 23] = [
    ("word", Other::Text("three")),
    ("word", Other::Text("ONE")),
    ("word", Other::Text("one two")),
    ("word", Other::Text("one\n")),
    ("word", Other::Text("-one")),
    ("word", Other::Text("")),
    ("word", Other::Number(1.0)),
    ("count", Other::Number(0.0)),
    ("count", Other::Number(10.0)),
    ("count", Other::Number(-1.0)),
    ("count", Other::Number(1.5)),
    ("count", Other::Text("1; id")),
    ("count", Other::Text("0x1")),
    ("count", Other::Text("\u{661}")),
    ("text", Other::Text("abc\n")),
    ("text", Other::Text("abc def")),
    ("text", Other::Text("ABC")),
    ("text", Other::Text("abcdefghi")),
    ("text", Other::Text("abc\u{200b}")),
    ("text", Other::Text("abc --other=x")),
    ("text", Other::Text("x' || 'y")),
    ("env", Other::Text("LD_PRELOAD=/tmp/x.so")),
    ("args", Other::Text("--help")),
];

#[derive(Clone, Copy)]
enum Other {
    Text(&'static str),
    Number(f64),
}

/// Makes every attempt of this kind.
pub(super) async fn attack(world: &World) -> Result<Vec<Finding>, Failure> {
    world.attempted(async |agent| attempts(world, agent).await).await
}

async fn attempts(world: &World, agent: &Agent) -> Result<Vec<Finding>, Failure> {
    let control = agent.tries("run_command", asked("takes", good())).await?;
    if control.code() == "unsupported" {
        return Ok(vec![untried()]);
    }
    Ok(vec![parameters(world, agent, &control).await?, printed(world, agent).await?, missed(world, agent).await?])
}

/// The program can't be run here: most likely it lies where others could change it.
fn untried() -> Finding {
    Finding::cannot_hold(
        Attacker::Agent,
        "a command's arguments are the policy's, and values in what it prints are hidden",
        "this program can't be run as a command, most likely because nothing may be executed in the folder for temporary files",
        "set TMPDIR to a folder of yours where programs may be executed, and attack again",
    )
}

async fn parameters(world: &World, agent: &Agent, control: &Answer) -> Result<Finding, Failure> {
    let mut by: Vec<String> = not_as_meant(control, &world.parameters).into_iter().collect();
    let longest = "x".repeat(5_000);
    let paths = PATHS.iter().copied().chain([longest.as_str()]).map(|path| ("file", json!(path)));
    let others = OTHERS.iter().map(|(name, other)| match other {
        Other::Text(text) => (*name, json!(text)),
        Other::Number(number) => (*name, json!(number)),
    });
    let types = ["file", "word", "count", "text"]
        .into_iter()
        .flat_map(|name| [json!(null), json!([]), json!({}), json!(true)].map(|rubbish| (name, rubbish)));
    let mut attempts = 1;
    for (name, value) in paths.chain(others).chain(types) {
        let shown: String = value.to_string().chars().take(40).collect();
        let mut params = good();
        if let Some(params) = params.as_object_mut() {
            params.insert(name.to_owned(), value);
        }
        let answer = agent.tries("run_command", asked("takes", params)).await?;
        attempts += 1;
        by.extend(gave(&format!("{name} = {shown}"), &answer, &world.canaries, true));
    }
    Ok(Finding::judged(
        Attacker::Agent,
        "a command gets the arguments its policy describes and no others, and nothing through a shell",
        attempts,
        by,
    ))
}

async fn printed(world: &World, agent: &Agent) -> Result<Finding, Failure> {
    let answer = agent.tries("run_command", asked("forms", json!({}))).await?;
    let by = not_hidden(&answer, &world.closed);
    let promise = "a value that a command prints is hidden, in the usual encodings and split in lines";
    Ok(Finding::judged(Attacker::Agent, promise, forms::HIDDEN.len(), by))
}

async fn missed(world: &World, agent: &Agent) -> Result<Finding, Failure> {
    let answer = agent.tries_unheard("run_command", asked("misses", json!({}))).await?;
    let through = got_through(&answer, &world.closed, &forms::MISSED);
    let why = if through.is_empty() {
        "a program that wants to give a value away can always write it in a way nobody looks for".to_owned()
    } else {
        format!("what the command wrote in these ways got through: {}", through.join("; "))
    };
    Ok(Finding::cannot_hold(
        Attacker::Agent,
        "hiding is for accidents: it stops no program that wants to give a value away",
        why,
        "name only programs that an agent can't make print it, or set output = \"exit-code\"",
    ))
}

fn asked(name: &str, params: impl Into<Value>) -> Value {
    json!({ "name": name, "params": params.into() })
}

fn good() -> Value {
    json!({ "file": "plain.txt", "word": "one", "count": 3, "text": "abc" })
}

/// What the program says of its arguments has to be what the policy says.
fn not_as_meant(control: &Answer, folder: &Path) -> Option<String> {
    let file = folder.join("plain.txt");
    let expected = json!([file, "one", "3", "--text=abc"]);
    let told: Value = serde_json::from_str(control.text_at("/stdout").trim()).unwrap_or_default();
    (told != expected).then(|| format!("a good call doesn't get its arguments: {} {told}", control.code()))
}

/// The forms in which a value came through, or why that can't be said.
fn not_hidden(answer: &Answer, canary: &Canary) -> Vec<String> {
    let printed = blocks(answer.text_at("/stdout"));
    if answer.refused || printed.is_empty() {
        return vec![format!("the command wasn't run: {}", answer.code())];
    }
    let mut by = got_through(answer, canary, &forms::HIDDEN);
    // Both streams are looked through.
    by.extend(forms::packed(answer.text_at("/stderr")).contains(&canary.value).then(|| "standard error".to_owned()));
    by.extend((printed.len() != forms::HIDDEN.len()).then(|| "not everything that was printed came".to_owned()));
    by
}

fn got_through(answer: &Answer, canary: &Canary, among: &[&'static str]) -> Vec<String> {
    let printed = blocks(answer.text_at("/stdout"));
    let through = among.iter().filter(|form| {
        let written = forms::packed(&forms::write(form, canary.value.as_bytes()));
        printed.iter().any(|(name, text)| name == *form && forms::packed(text).contains(&written))
    });
    through.map(|form| (*form).to_owned()).collect()
}

/// What was printed under each form's name.
fn blocks(printed: &str) -> Vec<(String, String)> {
    let parts = printed.split("== ").filter_map(|part| part.split_once(" ==\n"));
    parts.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(stdout: &str, stderr: &str) -> Answer {
        let value = json!({ "exit_code": 0, "stdout": stdout, "stderr": stderr });
        Answer { text: value.to_string(), value, refused: false }
    }

    #[test]
    fn each_form_that_comes_through_breaks_the_promise() {
        let canary = Canary::new("the value");
        let all = |shown: Option<&str>| -> String {
            let write = |form: &&str| {
                let text = if shown == Some(*form) { forms::write(form, canary.value.as_bytes()) } else { "-".into() };
                format!("== {form} ==\n{text}\n")
            };
            forms::HIDDEN.iter().map(write).collect()
        };
        assert_eq!(not_hidden(&printed(&all(None), "-"), &canary), Vec::<String>::new());
        for form in forms::HIDDEN {
            assert_eq!(not_hidden(&printed(&all(Some(form)), ""), &canary), [form]);
        }
        assert_eq!(not_hidden(&printed(&all(None), &canary.value), &canary), ["standard error"]);
        assert_eq!(not_hidden(&printed("", ""), &canary).len(), 1, "a command that didn't run proves nothing");
    }

    #[test]
    fn other_arguments_than_the_policys_break_the_promise() {
        let folder = Path::new("/folder");
        let told = |arguments: Value| printed(&arguments.to_string(), "");
        assert_eq!(not_as_meant(&told(json!(["/folder/plain.txt", "one", "3", "--text=abc"])), folder), None);
        for wrong in [json!(["/folder/plain.txt", "one", "3"]), json!([]), json!(null)] {
            assert!(not_as_meant(&told(wrong), folder).is_some());
        }
    }
}
