//! Files that are made once and never replaced.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::cli::failure::Failure;

/// Makes the folder that a file is to be in.
pub(super) fn folder(file: &Path) -> Result<(), Failure> {
    let Some(folder) = file.parent() else { return Ok(()) };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| failed("made", folder, &error))
}

/// Writes a file that isn't there yet, for its owner alone; says whether it did.
pub(super) fn write_new(file: &Path, text: &str) -> Result<bool, Failure> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(mut new) => {
            let written = new.write_all(text.as_bytes()).and_then(|()| new.sync_all());
            written.map(|()| true).map_err(|error| {
                let _ = fs::remove_file(file);
                failed("written", file, &error)
            })
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed("made", file, &error)),
    }
}

fn failed(verb: &str, file: &Path, error: &io::Error) -> Failure {
    Failure::invalid(format!("{} can't be {verb}: {error}", file.display()), "nothing that was there was changed")
}
