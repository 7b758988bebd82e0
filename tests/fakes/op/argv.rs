//! The words of a call, read as strictly as `op` reads them.

use crate::UNEXPECTED;
use crate::reply::Refusal;

/// What was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    command: &'static Command,
    flags: Vec<(&'static str, String)>,
    arguments: Vec<String>,
    /// What stands after `--`.
    pub(crate) program: Vec<String>,
}

#[derive(Debug)]
struct Command {
    path: &'static str,
    /// Its flags, one after another: `name` takes a value, `name!` is a switch, `name?` may have a value after `=`;
    /// `n,name` has a short form too, and `name@2.30` exists since then.
    flags: &'static str,
    /// The fewest and the most arguments.
    arguments: (usize, usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Value,
    Nothing,
    Perhaps,
}

struct Flag {
    name: &'static str,
    short: Option<&'static str>,
    takes: Takes,
    since: (u32, u32, u32),
}

const GLOBAL: &str = "account cache! config debug! encoding format h,help! iso-timestamps! no-color! session";

const ROOT: Command = Command { path: "", flags: "v,version!", arguments: (0, 0) };

const WRITES: &str = "title vault tags url favorite! generate-password? dry-run! template reveal!@2.30";

const COMMANDS: [Command; 23] = [
    Command { path: "whoami", flags: "", arguments: (0, 0) },
    Command { path: "account list", flags: "", arguments: (0, 0) },
    Command { path: "vault list", flags: "user group permission", arguments: (0, 0) },
    Command { path: "vault get", flags: "", arguments: (1, 1) },
    Command { path: "item list", flags: "vault categories tags favorite! include-archive! long!", arguments: (0, 0) },
    Command {
        path: "item get",
        flags: "vault fields otp! include-archive! share-link! reveal!@2.30",
        arguments: (1, 1),
    },
    Command {
        path: "item create",
        flags: "category title vault tags url favorite! generate-password? dry-run! template reveal!@2.30 \
                ssh-generate-key?",
        arguments: (0, 1000),
    },
    Command { path: "item edit", flags: WRITES, arguments: (1, 1000) },
    Command { path: "item delete", flags: "vault archive!", arguments: (1, 1) },
    Command { path: "item remove", flags: "vault archive!", arguments: (1, 1) },
    Command { path: "item rm", flags: "vault archive!", arguments: (1, 1) },
    Command { path: "item template list", flags: "", arguments: (0, 0) },
    Command { path: "item template get", flags: "o,out-file f,force! file-mode", arguments: (1, 1) },
    Command { path: "read", flags: "n,no-newline! o,out-file f,force! file-mode", arguments: (1, 1) },
    Command { path: "inject", flags: "i,in-file o,out-file f,force! file-mode", arguments: (0, 0) },
    Command { path: "run", flags: "env-file no-masking! environment@2.41", arguments: (0, 0) },
    Command { path: "service-account ratelimit", flags: "", arguments: (0, 1) },
    Command { path: "document list", flags: "vault include-archive!", arguments: (0, 0) },
    Command {
        path: "document get",
        flags: "vault o,output out-file f,force! file-mode include-archive!",
        arguments: (1, 1),
    },
    Command { path: "document create", flags: "vault title file-name tags", arguments: (1, 1) },
    Command { path: "document edit", flags: "vault title file-name tags", arguments: (1, 2) },
    Command { path: "document delete", flags: "vault archive!", arguments: (1, 1) },
    Command { path: "events-api create", flags: "expires-in features", arguments: (1, 1) },
];

impl Invocation {
    /// The command's words; `--version` where there's only that.
    pub(crate) fn command(&self) -> &'static str {
        match self.command.path {
            "" => "--version",
            "item remove" | "item rm" => "item delete",
            path => path,
        }
    }

    /// The value of a flag: the last, if it stands there more than once.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.flags.iter().rev().find(|(flag, _)| *flag == name).map(|(_, value)| value.as_str())
    }

    /// Whether a switch is on.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value != "false")
    }

    /// All values of a flag.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        self.flags.iter().filter(|(flag, _)| *flag == name).map(|(_, value)| value.as_str()).collect()
    }

    /// An argument, or nothing.
    pub(crate) fn argument(&self, at: usize) -> &str {
        self.arguments.get(at).map_or("", String::as_str)
    }

    /// The arguments from one on.
    pub(crate) fn arguments_from(&self, at: usize) -> &[String] {
        self.arguments.get(at..).unwrap_or_default()
    }

    /// Whether it changes an item.
    pub(crate) fn writes(&self) -> bool {
        matches!(
            self.command(),
            "item create" | "item edit" | "item delete" | "document create" | "document edit" | "document delete"
        )
    }
}

/// Reads the words of a call.
pub(crate) fn parse(words: &[String], version: (u32, u32, u32)) -> Result<Invocation, Refusal> {
    let (mut flags, mut plain, mut program) = (Vec::new(), Vec::new(), Vec::new());
    let mut command = None;
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            program = rest.by_ref().cloned().collect();
            break;
        }
        if word == "-" || !word.starts_with('-') {
            plain.push(word.clone());
            // The command is complete as soon as its words are: what follows are arguments.
            if command.is_none() {
                command = COMMANDS.iter().find(|known| known.path.split(' ').eq(plain.iter().map(String::as_str)));
                if command.is_some() {
                    plain.clear();
                }
            }
            continue;
        }
        let known: &'static Command = command.unwrap_or(&ROOT);
        let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
        let flag = known.flag(name, version).ok_or_else(|| unknown_flag(name, known))?;
        let value = match (flag.takes, value) {
            (_, Some(value)) => value.to_owned(),
            (Takes::Nothing | Takes::Perhaps, None) => "true".to_owned(),
            (Takes::Value, None) => {
                let missing = || Refusal::new(format!("flag needs an argument: {name}")).with_usage(known.path);
                rest.next().ok_or_else(missing)?.clone()
            }
        };
        let truth = ["true", "false", "1", "0", "t", "f"];
        if flag.takes == Takes::Nothing && !truth.contains(&value.to_ascii_lowercase().as_str()) {
            let text = format!("invalid argument \"{value}\" for \"--{}\" flag: invalid syntax", flag.name);
            return Err(Refusal::new(text).with_usage(known.path));
        }
        let value = if value == "0" || value.eq_ignore_ascii_case("f") { "false".to_owned() } else { value };
        flags.push((flag.name, value));
    }
    let asks_version = flags.iter().any(|(flag, _)| *flag == "version");
    let command = match command {
        Some(command) => command,
        None if plain.is_empty() && asks_version => &ROOT,
        None => {
            let text = format!("unknown command \"{}\" for \"op\"", plain.join(" "));
            return Err(Refusal::new(text).with_exit(UNEXPECTED));
        }
    };
    let (fewest, most) = command.arguments;
    if plain.len() < fewest || plain.len() > most {
        let text = format!("accepts between {fewest} and {most} arg(s), received {}", plain.len());
        return Err(Refusal::new(text).with_usage(command.path));
    }
    let invocation = Invocation { command, flags, arguments: plain, program };
    match invocation.value("format") {
        None | Some("json" | "human-readable") => Ok(invocation),
        Some(other) => {
            let text = format!("invalid argument \"{other}\" for \"--format\" flag: must be human-readable or json");
            Err(Refusal::new(text).with_usage(command.path))
        }
    }
}

fn unknown_flag(name: &str, command: &'static Command) -> Refusal {
    let kind = if name.starts_with("--") { "unknown flag" } else { "unknown shorthand flag" };
    Refusal::new(format!("{kind}: {name}")).with_usage(command.path)
}

impl Command {
    fn flag(&self, written: &str, version: (u32, u32, u32)) -> Option<Flag> {
        let mut known = GLOBAL.split_whitespace().chain(self.flags.split_whitespace()).map(Flag::of);
        let found = match written.strip_prefix("--") {
            Some(name) => known.find(|flag| flag.name == name),
            None => known.find(|flag| flag.short.is_some() && flag.short == written.strip_prefix('-')),
        };
        found.filter(|flag| flag.since <= version)
    }
}

impl Flag {
    fn of(text: &'static str) -> Self {
        let (text, since) = text.split_once('@').unwrap_or((text, "0.0"));
        let (short, text) = text.split_once(',').map_or((None, text), |(short, text)| (Some(short), text));
        let (name, takes) = match (text.strip_suffix('!'), text.strip_suffix('?')) {
            (Some(name), _) => (name, Takes::Nothing),
            (_, Some(name)) => (name, Takes::Perhaps),
            _ => (text, Takes::Value),
        };
        let since =
            since.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?, 0)));
        Self { name, short, takes, since: since.unwrap_or_default() }
    }
}
