//! A new vault on this machine.

use super::files::folder;
use super::{Places, configure, quoted, told};
use crate::app::{self, NewVault};
use crate::cli::failure::Failure;
use crate::cli::output::Output;

pub(super) fn make(places: &Places, password: bool, output: Output) -> Result<(), Failure> {
    let made = !places.vault.exists();
    if made {
        folder(&places.vault)?;
        let with = if password { NewVault::Password } else { NewVault::KeyFile(places.key.clone()) };
        app::create_vault(&places.vault, &with)?;
    }
    told(made, "the vault", &places.vault, output);
    if made && !password {
        told(true, "its key", &places.key, output);
    }
    configure(places, &source(places, password || !places.key.exists()), output)
}

/// The `[[source]]` it's written down as.
fn source(places: &Places, password: bool) -> String {
    let key = if password {
        "# key_file = …                        # without one, the vault's password is asked for".to_owned()
    } else {
        format!("key_file = {}", quoted(&places.key))
    };
    format!(
        "[[source]]\n\
         name = \"home\"\n\
         kind = \"local\"                          # a KDBX file, which KeePassXC opens too\n\
         file = {}\n\
         {key}\n",
        quoted(&places.vault)
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::config_text;
    use super::*;
    use crate::config::{Config, Dirs, SourceConfig};

    #[test]
    fn a_server_that_is_given_the_file_alone_finds_the_same_vault_and_log() {
        let at = |name: &str| Path::new("/home/o/my \"files\"").join(name);
        let places = Places {
            config: at("opward.toml"),
            policy: at("policy.toml"),
            vault: at("vault.kdbx"),
            key: at("vault.keyx"),
            audit: at("audit.jsonl"),
        };
        let elsewhere = Dirs::in_one(Path::new("/elsewhere"));
        for password in [false, true] {
            let text = config_text(&places, &source(&places, password));
            let config = Config::parse(&text, &places.config, &elsewhere).unwrap();
            assert_eq!((config.policy, config.audit.file), (places.policy.clone(), places.audit.clone()));
            let [SourceConfig::Local(local)] = config.sources.as_slice() else { panic!("{text}") };
            assert_eq!(local.file, places.vault);
        }
    }
}
