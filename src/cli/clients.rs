//! What to paste into an MCP client so that it starts this server.

use std::path::Path;

use clap::ValueEnum;
use serde_json::json;

/// The clients whose configuration is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Client {
    /// Claude Code
    ClaudeCode,
    /// Claude Desktop
    ClaudeDesktop,
    /// Cursor
    Cursor,
    /// Visual Studio Code
    Vscode,
}

impl Client {
    /// The name rules know its agents by.
    pub(super) const fn principal(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::ClaudeDesktop => "claude-desktop",
            Self::Cursor => "cursor",
            Self::Vscode => "vscode",
        }
    }

    /// What to do, in the client's own terms. `config` is named only where it isn't the usual place.
    pub(super) fn instructions(self, program: &Path, config: Option<&Path>) -> String {
        let program = program.display().to_string();
        let mut args = vec!["serve".to_owned(), "--principal".to_owned(), self.principal().to_owned()];
        if let Some(config) = config {
            args.extend(["--config".to_owned(), config.display().to_string()]);
        }
        let server = json!({ "type": "stdio", "command": program, "args": args });
        match self {
            Self::ClaudeCode => {
                let words: Vec<String> = std::iter::once(&program).chain(&args).map(|word| shell_word(word)).collect();
                format!("Claude Code: run this once\n\n  claude mcp add --scope user opward -- {}", words.join(" "))
            }
            Self::ClaudeDesktop => {
                settings("Claude Desktop: Settings > Developer > Edit Config", "mcpServers", &server)
            }
            Self::Cursor => settings("Cursor: ~/.cursor/mcp.json", "mcpServers", &server),
            Self::Vscode => {
                settings("VS Code: .vscode/mcp.json, or `MCP: Open User Configuration`", "servers", &server)
            }
        }
    }
}

fn settings(place: &str, key: &str, server: &serde_json::Value) -> String {
    let text = serde_json::to_string_pretty(&json!({ key: { "opward": server } })).unwrap_or_default();
    let indented: Vec<String> = text.lines().map(|line| format!("  {line}")).collect();
    format!("{place}\n\n{}", indented.join("\n"))
}

/// A word as a POSIX shell takes it whole.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '=' | ':' | '+' | '@');
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_spaces_stays_one_word() {
        let text = Client::ClaudeCode
            .instructions(Path::new("/opt/my tools/opward"), Some(Path::new("/home/o'neil/opward.toml")));
        assert!(
            text.contains(
                "-- '/opt/my tools/opward' serve --principal claude-code --config '/home/o'\\''neil/opward.toml'"
            ),
            "{text}"
        );
    }

    #[test]
    fn every_client_starts_the_server_under_its_own_name() {
        for client in Client::value_variants() {
            let text = client.instructions(Path::new("/usr/bin/opward"), None);
            assert!(text.contains("serve") && text.contains(client.principal()), "{text}");
        }
    }
}
