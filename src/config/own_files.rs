//! The files of the warden itself, which no program that it runs may reach.

use std::path::PathBuf;

use super::source::{KeyFile, OpSignIn, TokenPlace};
use super::{Config, Origin, SourceConfig};

impl Config {
    /// Every file that's the warden's own, whether or not it's there: configuration, policy, log, vaults, keys and
    /// tokens.
    #[must_use]
    pub fn own_files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.policy.clone(), self.audit.file.clone()];
        if let Origin::File(file) = &self.origin {
            files.push(file.clone());
        }
        for source in &self.sources {
            match source {
                SourceConfig::Local(local) => {
                    let (KeyFile::Named(key) | KeyFile::IfThere(key)) = &local.key_file;
                    files.extend([local.file.clone(), key.clone()]);
                }
                SourceConfig::Op(op) => files.extend(token_file_of(&op.sign_in)),
                SourceConfig::Connect(connect) => files.extend(file_of(&connect.token)),
            }
        }
        files.extend(self.http.tls.iter().flat_map(|tls| [tls.cert.clone(), tls.key.clone()]));
        files
    }
}

fn token_file_of(sign_in: &OpSignIn) -> Option<PathBuf> {
    match sign_in {
        OpSignIn::ServiceAccount { token } => file_of(token),
        OpSignIn::App { .. } | OpSignIn::Session { .. } => None,
    }
}

fn file_of(token: &TokenPlace) -> Option<PathBuf> {
    match token {
        TokenPlace::File(file) => Some(file.clone()),
        TokenPlace::Variable(_) => None,
    }
}
