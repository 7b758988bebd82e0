//! Names of variables in a program's environment, and those that change more than the program's own settings.

/// The longest name.
const LONGEST: usize = 128;

/// Beginnings, in capital letters, of names that a loader, an interpreter, a shell or a library acts on.
const BEGINNINGS: &str = "LD_ DYLD_ _RLD PYTHON PERL RUBY GEM_ BUNDLE_ GIT_ BASH NPM_CONFIG_ YARN_ LUA_ DOTNET_ CORECLR_ COMPLUS_ MONO_ ERL_ \
     XDG_ DBUS_ SYSTEMD_ GLIBC_ MALLOC_ GCONV_ OPENSSL_ RESOLV_ OPWARD_ SUDO_ SSH_ ZSH_ KSH_";

/// Whole names, in capital letters.
const NAMES: &str = "PATH HOME ENV IFS SHELL SHELLOPTS PS1 PS2 PS3 PS4 PROMPT_COMMAND CDPATH FPATH GLOBIGNORE INPUTRC ZDOTDIR PWD \
     OLDPWD NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED NODE_REPL_EXTERNAL_MODULE \
     NODE_PENDING_DEPRECATION NODE_V8_COVERAGE ELECTRON_RUN_AS_NODE JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS \
     JAVA_OPTS JAVA_HOME CLASSPATH MAVEN_OPTS GRADLE_OPTS PHPRC PHP_INI_SCAN_DIR TCLLIBPATH R_PROFILE R_ENVIRON \
     JULIA_LOAD_PATH LOCPATH NLSPATH TERMINFO TERMINFO_DIRS TERMCAP HOSTALIASES LOCALDOMAIN RES_OPTIONS SSLKEYLOGFILE \
     SSL_CERT_FILE SSL_CERT_DIR CURL_HOME CURL_CA_BUNDLE REQUESTS_CA_BUNDLE NETRC EDITOR VISUAL PAGER MANPAGER BROWSER \
     LESSOPEN LESSCLOSE PSQLRC PSQL_PAGER MAKEFLAGS RUSTC_WRAPPER";

/// Why a text can't be the name of a variable that a command is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum VariableError {
    #[error("a variable's name has letters, digits and `_`, doesn't begin with a digit, and at most 128 of them")]
    Name,
    #[error("loaders, interpreters, shells or libraries act on this variable, so a command can't be given it")]
    Dangerous,
}

/// Checks a name.
pub(super) fn check(name: &str) -> Result<(), VariableError> {
    let part = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let begins = |b: u8| part(b) && !b.is_ascii_digit();
    if !name.bytes().next().is_some_and(begins) || !name.bytes().all(part) || name.len() > LONGEST {
        return Err(VariableError::Name);
    }
    // Some are read in small letters, too: `http_proxy`, `npm_config_node_options`.
    let name = name.to_ascii_uppercase();
    let dangerous = BEGINNINGS.split(' ').any(|beginning| name.starts_with(beginning))
        || NAMES.split(' ').any(|known| known == name)
        || name == "NO_PROXY"
        || name.ends_with("_PROXY");
    if dangerous { Err(VariableError::Dangerous) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_pass() {
        for name in ["PGPASSWORD", "PGUSER", "_x", "AWS_SECRET_ACCESS_KEY", "NODE_ENV", "NODE_AUTH_TOKEN", "a1", "TZ"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_is_not_a_name_is_refused() {
        for name in ["", "1a", "a b", "a=b", "a-b", "é", "A\0", "A\n", "BASH_FUNC_x%%", &"A".repeat(129)] {
            assert_eq!(check(name), Err(VariableError::Name), "{name:?}");
        }
    }

    #[test]
    fn what_something_else_acts_on_is_refused() {
        for name in [
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "LD_AUDIT",
            "DYLD_INSERT_LIBRARIES",
            "PYTHONPATH",
            "PYTHONSTARTUP",
            "PATH",
            "HOME",
            "NODE_OPTIONS",
            "BASH_ENV",
            "BASHOPTS",
            "ENV",
            "IFS",
            "GIT_SSH_COMMAND",
            "GIT_CONFIG_COUNT",
            "PERL5LIB",
            "PERL5OPT",
            "RUBYOPT",
            "RUBYLIB",
            "JAVA_TOOL_OPTIONS",
            "_JAVA_OPTIONS",
            "HTTP_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "NO_PROXY",
            "SSLKEYLOGFILE",
            "GCONV_PATH",
            "GLIBC_TUNABLES",
            "LOCPATH",
            "PS4",
            "SHELLOPTS",
            "LESSOPEN",
            "PAGER",
            "npm_config_node_options",
            "OPENSSL_CONF",
            "DBUS_SESSION_BUS_ADDRESS",
            "SSH_AUTH_SOCK",
            "OPWARD_CONFIG",
            "SSL_CERT_FILE",
            "MALLOC_TRACE",
            "path",
            "ld_preload",
        ] {
            assert_eq!(check(name), Err(VariableError::Dangerous), "{name}");
        }
    }
}
