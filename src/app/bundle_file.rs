//! A `.env` template whose values are references, on its way into the configuration.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::env_file::EnvFile;
use super::setup::Setup;
use crate::config::{Config, Dirs};
use crate::model::{ErrorCode, PublicError, RequestId};

/// The bundle that a template amounts to.
#[derive(Debug)]
pub struct BundleFile {
    name: String,
    /// Variables and references, in the template's order.
    entries: Vec<(String, String)>,
}

impl BundleFile {
    /// Takes a file's variables for references.
    ///
    /// # Errors
    ///
    /// The variables that hold something else, by name; what they hold isn't shown.
    pub fn of(name: &str, file: &EnvFile) -> Result<Self, PublicError> {
        let mut entries = Vec::new();
        let mut plain = Vec::new();
        for variable in file.variables() {
            match variable.reference() {
                Some(reference) => entries.push((variable.key().to_owned(), format!("op://{reference}"))),
                None => plain.push(variable.key()),
            }
        }
        if !plain.is_empty() {
            return Err(invalid(
                format!("no op:// reference to a field: {}", plain.join(", ")),
                "values don't belong into the configuration: `opward secret import FILE Vault/Item` stores them, and a \
                 variable inside a reference has to be written out; nothing was changed",
            ));
        }
        if entries.is_empty() {
            return Err(invalid("there's no variable in it", "nothing was changed"));
        }
        Ok(Self { name: name.to_owned(), entries })
    }

    /// The table, as it stands in the configuration.
    #[must_use]
    pub fn table(&self) -> String {
        let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
        let head = format!("[env_bundle.{}]\n", quoted(&self.name));
        let lines = self.entries.iter().map(|(key, reference)| format!("{key} = {}\n", quoted(reference)));
        std::iter::once(head).chain(lines).collect()
    }

    /// Adds the table to the configuration, which keeps all that's in it, and its mode. Gives the file.
    ///
    /// # Errors
    ///
    /// When there's such a bundle already, or the configuration couldn't be read afterwards.
    pub fn append(&self, setup: &Setup) -> Result<PathBuf, PublicError> {
        let dirs = setup.dirs().map_err(|error| error.public())?;
        let file = setup.config_file().map_err(|error| error.public())?;
        // Through a link, as whoever reads it goes.
        let file = fs::canonicalize(&file).map_err(|error| unusable(&file, &error))?;
        let before = fs::read_to_string(&file).map_err(|error| unusable(&file, &error))?;
        let after = self.added(&before, &file, &dirs)?;
        let mode = fs::metadata(&file).map_err(|error| unusable(&file, &error))?.permissions().mode() & 0o777;
        replace(&file, &after, mode).map_err(|error| unusable(&file, &error))?;
        Ok(file)
    }

    fn added(&self, before: &str, file: &Path, dirs: &Dirs) -> Result<String, PublicError> {
        let read = |text: &str| {
            Config::parse(text, file, dirs).map_err(|problems| {
                invalid(
                    format!("the configuration has mistakes\n{}", problems.render(false)),
                    "correct them first; nothing was changed",
                )
            })
        };
        let known = read(before)?.env_bundles;
        if known.contains_key(&self.name) {
            return Err(invalid(
                format!("there's a bundle `{}` already", self.name),
                "take another name, or change it in the configuration; nothing was changed",
            ));
        }
        let gap = if before.ends_with('\n') { "\n" } else { "\n\n" };
        let after = format!("{before}{gap}{}", self.table());
        read(&after)?;
        Ok(after)
    }
}

/// Puts a file into another's place in one step.
fn replace(file: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let beside = file.with_extension(format!("toml.{}", RequestId::new()));
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).and_then(|mut new| {
        new.write_all(text.as_bytes())?;
        new.set_permissions(Permissions::from_mode(mode))?;
        new.sync_all()
    });
    let done = written.and_then(|()| fs::rename(&beside, file));
    if done.is_err() {
        let _ = fs::remove_file(&beside);
    }
    done
}

fn unusable(file: &Path, error: &std::io::Error) -> PublicError {
    invalid(format!("{}: {}", file.display(), error.kind()), "nothing was changed; `opward init` makes a configuration")
}

fn invalid(message: impl Into<String>, hint: &'static str) -> PublicError {
    PublicError::new(ErrorCode::Invalid, message.into(), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "# mine\nversion = 1\n[[source]]\nname = \"home\" # here\nkind = \"local\"\n\
        [env_bundle.checkout]\nA = \"V/I/F\"";

    fn bundle(name: &str, template: &str) -> Result<BundleFile, PublicError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".env");
        fs::write(&file, template).unwrap();
        BundleFile::of(name, &EnvFile::read(&file, "").unwrap())
    }

    fn added(bundle: &BundleFile, before: &str) -> Result<String, PublicError> {
        let dirs = Dirs::in_one(Path::new("/o"));
        bundle.added(before, Path::new("/o/opward.toml"), &dirs)
    }

    #[test]
    fn a_template_becomes_a_table_behind_what_is_there() {
        let template = "# db\nexport DB=\"op://Prod/Postgre SQL/url\"\nKEY={{ op://Prod/a\"b/k%25 }}\nOTP='op://V/I/otp?attribute=otp'\n";
        let bundle = bundle("web.eu", template).unwrap();
        let after = added(&bundle, BEFORE).unwrap();
        assert_eq!(
            after,
            format!(
                "{BEFORE}\n\n[env_bundle.\"web.eu\"]\nDB = \"op://Prod/Postgre SQL/url\"\n\
                 KEY = \"op://Prod/a\\\"b/k%25\"\nOTP = \"op://V/I/otp?attribute=otp\"\n"
            )
        );
    }

    #[test]
    fn plain_values_are_named_and_never_shown() {
        for value in ["canary", "op://canary", "op://$ENV/canary/x", "x op://V/canary/F", "{{ op://V/I/canary", ""] {
            let error = bundle("b", &format!("GOOD=op://V/I/F\nBAD={value}\n")).unwrap_err();
            assert!(error.message.contains("BAD") && !error.message.contains("GOOD"), "{error:?}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
        assert!(bundle("b", "# nothing\n").is_err());
    }

    #[test]
    fn what_is_there_is_never_replaced_nor_broken() {
        let template = "A=op://V/I/F";
        assert!(added(&bundle("checkout", template).unwrap(), BEFORE).unwrap_err().message.contains("already"));
        assert!(added(&bundle("no name", template).unwrap(), BEFORE).is_err());
        let inline = BEFORE
            .replace("[env_bundle.checkout]\nA = \"V/I/F\"", "")
            .replace("version = 1", "version = 1\nenv_bundle = { x = { A = \"V/I/F\" } }");
        assert!(added(&bundle("b", template).unwrap(), &inline).is_err());
    }

    #[test]
    fn a_file_keeps_its_mode_and_a_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("opward.toml");
        fs::write(&file, BEFORE).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        replace(&file, "version = 1\n", 0o640).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}
