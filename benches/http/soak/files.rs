//! What a server left behind on disk, and on standard error.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::tally::Tally;
use super::watch;
use super::world::{World, lock};
use crate::Result;
use crate::wire::find;

/// Searches every file for values and tokens, and standard error for names, too. Gives how many bytes each had.
pub(super) fn search(world: &World, log: &Path, tally: &Tally) -> Result<BTreeMap<String, usize>> {
    let mut files = vec![log.to_owned()];
    collect(&world.home.path(), &mut files)?;
    let mut looked_at = BTreeMap::new();
    let mut has_names = false;
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = fs::read(&file)?;
        looked_at.insert(name.clone(), bytes.len());
        for token in lock(&world.tokens).iter() {
            // A part of it would be as bad: what's signed, the signature, and what's random.
            let mut parts = token.split('.').skip(1).chain([token.strip_prefix("opw_").unwrap_or(token)]);
            if parts.any(|part| find(&bytes, part.as_bytes()).is_some()) {
                tally.finding(format!("{name} holds a token"));
            }
        }
        let names_are_fine = file != log;
        for owner in world.owners() {
            let principal = world.principal(owner)?;
            if find(&bytes, principal.value_canary.as_bytes()).is_some() {
                tally.finding(format!("{name} holds a value of team-{owner}"));
            }
            has_names |= name.starts_with("audit") && find(&bytes, principal.name_canary.as_bytes()).is_some();
        }
        if !names_are_fine {
            for foreign in watch::search(world, None, &bytes).foreign {
                tally.finding(format!("standard error holds {foreign}"));
            }
        }
    }
    if !has_names {
        tally.finding("the audit log names nothing that was asked for".to_owned());
    }
    Ok(looked_at)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
