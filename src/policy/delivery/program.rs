//! What a program is by its name: some run what they're told to, and can't keep a value from who tells them.

use super::command::Class;

/// A kind of program that runs others, or text that it's given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Shell,
    Interpreter,
    Launcher,
    Builder,
    Container,
    Remote,
    Debugger,
    Viewer,
    Searcher,
    Versions,
    /// Does what a file tells it.
    Scripted,
    /// The same, where the file is what it's there for.
    Client,
}

/// The names, in small letters and without a version, between blanks.
const NAMES: [(Kind, &str); 12] = [
    (
        Kind::Shell,
        "sh ash bash rbash csh tcsh dash fish ksh mksh lksh pdksh zsh yash posh nu elvish xonsh pwsh powershell busybox \
         toybox sash git-shell rsh lshell cmd rc es osh ysh ion murex loksh oksh mrsh hush brush scsh bosh smrsh \
         uutils coreutils",
    ),
    (
        Kind::Interpreter,
        "python pypy ipython jython micropython perl raku ruby irb jruby node nodejs deno bun tsx ts-node php php-cgi \
         phpdbg lua luajit luau tclsh wish expect guile racket scheme sbcl clisp ecl emacs julia rscript r octave erl \
         escript elixir iex java jshell jrunscript groovy kotlin scala clojure bb dotnet mono csi fsi ghci runghc \
         runhaskell ocaml utop swift osascript awk gawk mawk nawk bc dc gnuplot m4 qjs d8 rhino wasmtime wasmer ansible \
         ansible-playbook psysh sage maxima gforth janet hy nim crystal ed php-fpm mongo mongosh bpython ptpython jupyter \
         gunicorn uwsgi uvicorn celery django-admin flask mruby rakudo chez petite gosh kawa newlisp picolisp ccl abcl \
         rebol tcc cling scilab freemat swipl gprolog gjs cjs jjs mujs njs duktape wasm3 jbang amm original-awk bioawk \
         goawk tex latex pdftex pdflatex xetex xelatex luatex lualatex latexmk gs ghostscript ansible-pull \
         ansible-console",
    ),
    (
        Kind::Launcher,
        "env printenv xargs parallel sudo sudoedit su doas pkexec runuser setpriv capsh nohup timeout nice ionice chrt \
         taskset setsid setarch linux32 linux64 stdbuf unbuffer script time watch entr chroot fakeroot fakechroot \
         unshare nsenter start-stop-daemon systemd-run run-parts dbus-run-session dbus-launch xvfb-run choom prlimit \
         cgexec numactl flock at batch crontab screen tmux dtach abduco softlimit s6-setuidgid gosu su-exec tini \
         dumb-init direnv dotenv op opward chpst faketime proxychains proxychains4 torsocks tsocks logsave sg newgrp \
         runcon aa-exec torify ldd ssh-agent i386 x86_64 qemu-x86_64 qemu-aarch64 run0 systemd-inhibit systemd-cat setlock \
         envdir envuidgid setuidgid pgrphack runsv runsvdir s6-setlock s6-envdir s6-envuidgid s6-applyuidgid s6-svscan \
         s6-supervise execlineb catatonit supervisord monit watchexec hyperfine chronic ifne pee zrun lckdo \
         mispipe rlwrap cpulimit trickle eatmydata libtool ccache distcc sccache genv gprintenv gtimeout gxargs gnice \
         gnohup gstdbuf openvt byobu zellij tmate ttyd gotty asciinema xterm uxterm gnome-terminal konsole alacritty \
         kitty wezterm foot urxvt rxvt sem pexec nq pm2 forever nodemon honcho foreman overmind goreman dotenvx envchain \
         envconsul aws-vault doppler infisical chamber teller sops nsjail minijail cron crond fcron anacron \
         systemd sulogin openrc-run logrotate xdg-open run-mailcap envsubst gomplate",
    ),
    (
        Kind::Builder,
        "make gmake bmake cmake ctest ninja meson scons just task rake ant mvn mvnw gradle gradlew bazel bazelisk buck \
         buck2 sbt lein npm npx pnpm pnpx yarn yarnpkg bunx corepack cargo rustc rustup go gofmt pip pipx pipenv poetry \
         pdm hatch rye uv uvx conda mamba micromamba tox nox pytest py.test jest vitest mocha rspec phpunit gem bundle \
         bundler composer cpan cpanm luarocks mix rebar3 cabal opam dune nuget apt apt-get aptitude dpkg rpm dnf \
         microdnf yum zypper pacman yay paru apk emerge xbps-install snap flatpak brew nix nix-shell nix-env nix-build \
         guix asdf mise volta fnm nvm pre-commit turbo nx lerna gcc g++ cc c++ clang clang++ ld terraform tofu pulumi \
         vagrant packer puppet chef-client salt-call fastlane xcodebuild xcrun swiftc",
    ),
    (
        Kind::Container,
        "docker docker-compose dockerd podman podman-compose nerdctl ctr crictl buildah skopeo runc crun lxc lxc-attach \
         incus kubectl oc k9s helm kustomize minikube kind systemd-nspawn machinectl bwrap firejail singularity \
         apptainer virsh",
    ),
    (
        Kind::Remote,
        "ssh slogin scp sftp rsync mosh autossh sshpass telnet rlogin rexec nc ncat netcat socat pdsh pssh dbclient \
         plink ftp lftp nmap mail mailx s-nail",
    ),
    (
        Kind::Debugger,
        "gdb gdbserver lldb strace ltrace perf valgrind rr dtrace dtruss bpftrace systemtap stap catchsegv uftrace \
         sysdig tcpdump heaptrack",
    ),
    (
        Kind::Viewer,
        "vi vim nvim view vimdiff gvim ex rvim rview elvis nano pico emacsclient micro helix hx kak joe mcedit mc code \
         subl gedit kate jed less more most pg man info lesspipe bat batcat w3m lynx links elinks ranger nnn lf vifm \
         fzf journalctl systemctl editor pager sensible-editor sensible-pager vipw vigr visudo mutt neomutt",
    ),
    (Kind::Searcher, "find gfind fd fdfind locate"),
    (Kind::Versions, "git git-lfs git-upload-pack git-receive-pack hg svn bzr cvs fossil jj gh glab tig"),
    // `sed` has `e`, `tar` reads options such as `--to-command` out of lists of files, `jq` and its kin have `env`.
    (Kind::Scripted, "sed gsed ssed tar gtar jq gojq jaq yq"),
    // Each has a command for a shell (`\!`, `system`, `.shell`) or, as `redis-cli` and its kin, scripts that can ask
    // for the password it's connected with.
    (
        Kind::Client,
        "psql pgcli usql gsql vsql mysql mariadb mycli sqlite sqlite3 sqlcipher litecli duckdb sqlplus sqlcmd isql-fb \
         beeline impala-shell snowsql clickhouse clickhouse-client clickhouse-local redis-cli valkey-cli keydb-cli",
    ),
];

/// What names of other builds of the same program end with.
const BUILDS: &str = "-static -real -orig -original -dbg -debug -bin -tiny -nox -basic -min -wrapped -rs -preview \
     -extras -gtk -gtk2 -gtk3 -gtk4 -athena -motif -gnome -x11 -huge -full -minimal -nightly -beta -dev -next -lts \
     -stable -unstable -current -suid -uutils -gnu";

/// Machines that a compiler may be for, which then stand before its name.
const MACHINES: &str = "x86_64 amd64 i386 i486 i586 i686 aarch64 arm64 arm armv6l armv7a armv7l armeb riscv32 riscv64 \
                        powerpc powerpc64 powerpc64le ppc64le mips mipsel mips64 mips64el s390x sparc64 loongarch64 \
                        alpha hppa m68k sh4 avr wasm32";

impl Kind {
    /// What a program of this kind is, and why it can't keep a value to itself.
    fn words(self) -> &'static str {
        match self {
            Self::Shell => "a shell, which runs whatever it's told",
            Self::Interpreter => "an interpreter, which runs whatever program text it's given",
            Self::Launcher => "a program that shows its environment or starts other programs in it",
            Self::Builder => "a build tool or package manager, which runs what project files say",
            Self::Container => "a program that starts others in places of their own",
            Self::Remote => "a program that runs others elsewhere or sends to any place",
            Self::Debugger => "a debugger, which reads or changes the programs it starts",
            Self::Viewer => "an editor or a pager, which runs commands from inside",
            Self::Searcher => "a searcher, which runs commands on what it finds",
            Self::Versions => "a version control program, which runs hooks and configured commands",
            Self::Scripted => "a program that does what a file tells it, other programs and its environment included",
            Self::Client => "a client that does what a file tells it, other programs included",
        }
    }

    /// Whether it harms only by a file that its caller chooses.
    fn is_told_by_a_file(self) -> bool {
        matches!(self, Self::Scripted | Self::Client)
    }

    /// Whether even a parametrised command can't be trusted with it.
    fn runs_anything(self) -> bool {
        matches!(self, Self::Shell | Self::Interpreter | Self::Launcher | Self::Builder)
    }
}

/// The kind of program a file name tells of, if it's one of those.
pub(super) fn kind(file_name: &str) -> Option<Kind> {
    let name = file_name.to_ascii_lowercase();
    // `.bash-wrapped` is how some systems call what `bash` starts.
    let name = name.strip_suffix(".exe").unwrap_or(&name).trim_start_matches('.');
    if is_loader(name) {
        return Some(Kind::Launcher);
    }
    let named = |known: &str| without_target(name).any(|name| name.strip_prefix(known).is_some_and(is_version));
    NAMES.into_iter().find(|(_, names)| names.split(' ').any(named)).map(|(kind, _)| kind)
}

/// A name, and what's left of it behind each dash where it begins with a machine: `x86_64-linux-gnu-gcc-12`.
fn without_target(name: &str) -> impl Iterator<Item = &str> {
    let (machine, mut rest) = name.split_once('-').unwrap_or_default();
    let is_target = MACHINES.split(' ').any(|known| known == machine);
    let behind = std::iter::from_fn(move || {
        let next = Some(rest).filter(|rest| is_target && !rest.is_empty());
        rest = rest.split_once('-').unwrap_or_default().1;
        next
    });
    std::iter::once(name).chain(behind)
}

/// `python3.12`, `node-20`, `python3.13t`, `sh.distrib`: what comes after a name and doesn't make it another.
fn is_version(rest: &str) -> bool {
    if BUILDS.split(' ').any(|build| build == rest) {
        return true;
    }
    let rest = rest.strip_prefix(['-', '_']).map_or(rest, |after| if after.is_empty() { rest } else { after });
    let begins = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    rest.is_empty() || begins(rest)
}

/// The dynamic loader, which starts the program that its first argument names.
fn is_loader(name: &str) -> bool {
    let numbered = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    ["ld-linux", "ld-musl", "ld.so", "ld64", "ld-uclibc", "rtld"].iter().any(|known| name.starts_with(known))
        || name.strip_prefix("ld-").is_some_and(numbered)
}

/// Whether a program of this name does what a file tells it, and may be trusted with one that its caller chooses as
/// far as nobody else can write where the files are.
pub(in crate::policy) fn is_client(file_name: &str) -> bool {
    kind(file_name) == Some(Kind::Client)
}

/// Why a command of this class can't have a program of this name; `None` if it can. `takes_files` says whether its
/// caller chooses a file.
pub(super) fn refusal(file_name: &str, class: Class, takes_files: bool) -> Option<String> {
    let kind = kind(file_name)?;
    let refused = match class {
        Class::Sealed if kind.is_told_by_a_file() => kind == Kind::Scripted && takes_files,
        Class::Sealed => true,
        Class::Parametrised => kind.runs_anything(),
        Class::TrustedCode => false,
    };
    let files = if kind == Kind::Scripted { " and a parameter of kind `path`" } else { "" };
    let word = class.as_str();
    refused.then(|| format!("`{file_name}` is {}: a command with it{files} can't be `{word}`", kind.words()))
}

/// What to do about it.
pub(super) fn help(file_name: &str) -> &'static str {
    match kind(file_name) {
        Some(Kind::Scripted) => "name the files it may be given with kind = \"enum\", where only root writes them",
        Some(kind) if !kind.runs_anything() => {
            "`parametrised` says that the caller can learn something; `trusted-code` that it can get the value"
        }
        Some(_) | None => "only `trusted-code` may, with `accept_exposure = true`: the caller can get the value",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_versions_are_the_same_program() {
        for (kind_of, names) in [
            (
                Kind::Shell,
                ["bash", "bash5", "BASH", "sh.distrib", "zsh-5.9", "busybox.static", "bash-static", ".bash-wrapped"]
                    .as_slice(),
            ),
            (Kind::Interpreter, &["python3.12", "python3.13t", "node20", "node-20", "ruby3.2", "perl5.36.0", "lua5.4"]),
            (Kind::Interpreter, &["php8.3", "tclsh8.6", "gawk", "java", "python.exe", "R", "Rscript", "pypy3"]),
            (Kind::Launcher, &["env", "printenv", "xargs", "nohup", "timeout", "sudo", "setsid", "nice", "doas"]),
            (Kind::Launcher, &["ld.so", "ld-linux-x86-64.so.2", "ld-musl-x86_64.so.1", "ld-2.31.so", "ld64.so.2"]),
            (Kind::Builder, &["make", "npm", "cargo", "pip3", "pip3.12", "gcc-13", "apt-get", "pytest", "uv"]),
            (Kind::Container, &["docker", "podman", "kubectl", "docker-compose"]),
            (Kind::Remote, &["ssh", "socat", "nc", "rsync"]),
            (Kind::Debugger, &["gdb", "strace"]),
            (Kind::Viewer, &["vim", "vim.basic", "less", "man", "nano"]),
            (Kind::Searcher, &["find"]),
            (Kind::Versions, &["git", "git-lfs", "git-2.40"]),
        ] {
            for name in names {
                assert_eq!(kind(name), Some(kind_of), "{name}");
            }
        }
    }

    #[test]
    fn a_machine_before_a_name_makes_it_no_other_program() {
        for name in ["x86_64-linux-gnu-gcc-12", "aarch64-linux-gnu-g++", "arm-none-eabi-gcc", "i686-w64-mingw32-gcc"] {
            assert_eq!(kind(name), Some(Kind::Builder), "{name}");
        }
        assert_eq!(kind("x86_64-pc-linux-gnu-gdb"), Some(Kind::Debugger));
        assert_eq!(kind("x86_64-linux-gnu-python3.11"), Some(Kind::Interpreter));
        for name in ["x86_64-linux-gnu-readelf", "backup-tool-sh", "arm-", "x86_64-"] {
            assert_eq!(kind(name), None, "{name}");
        }
    }

    #[test]
    fn other_programs_are_not_taken_for_them() {
        for name in ["curl", "pg_dump", "shutdown", "environment", "makefile-lint", "gitolite", "sedan", "psqlodbc"] {
            assert_eq!(kind(name), None, "{name}");
        }
        for name in ["restic", "aws", "openssl", "shred", "finder", "nodemon-report", "true", "edit-db"] {
            assert_eq!(kind(name), None, "{name}");
        }
    }

    #[test]
    fn each_class_says_what_it_will_not_run() {
        let refused = |name, class| refusal(name, class, false).is_some();
        for name in ["bash", "python3", "env", "npm"] {
            assert!(refused(name, Class::Sealed) && refused(name, Class::Parametrised), "{name}");
        }
        for name in ["git", "ssh", "docker", "less", "find", "gdb"] {
            assert!(refused(name, Class::Sealed) && !refused(name, Class::Parametrised), "{name}");
        }
        for name in ["bash", "git", "psql"] {
            assert!(!refused(name, Class::TrustedCode), "{name}");
        }
        let why = refusal("python3.12", Class::Sealed, false).unwrap();
        assert_eq!(
            why,
            "`python3.12` is an interpreter, which runs whatever program text it's given: a command with it can't be `sealed`"
        );
    }

    #[test]
    fn what_a_file_tells_it_is_the_files_authors() {
        for name in ["sed", "gsed", "tar", "jq", "yq", "sed-4.9"] {
            assert!(refusal(name, Class::Sealed, true).unwrap().contains("kind `path`"), "{name}");
            assert_eq!(refusal(name, Class::Sealed, false), None, "{name}");
            assert_eq!(refusal(name, Class::Parametrised, true), None, "{name}");
        }
        for name in ["psql", "mysql", "mariadb", "sqlite3", "duckdb", "redis-cli"] {
            assert!(is_client(name), "{name}");
            assert_eq!(refusal(name, Class::Sealed, true), None, "{name}: it's for its files that it's there");
        }
    }

    #[test]
    fn shells_and_launchers_of_other_names_are_known() {
        let names = "mongosh logrotate php-fpm php-fpm8.2 coreutils sudo-rs su-rs pwsh-preview vim-gtk3 vim.gtk3 \
            busybox-extras envsubst run0 editor pager rc genv original-awk";
        for name in names.split_whitespace() {
            assert!(refusal(name, Class::Sealed, false).is_some(), "{name}");
        }
    }

    #[test]
    fn the_names_are_in_the_form_they_are_compared_in_and_stand_once() {
        let mut seen = std::collections::BTreeSet::new();
        for name in NAMES.into_iter().flat_map(|(_, names)| names.split(' ')) {
            assert_eq!(name, name.to_ascii_lowercase());
            assert!(seen.insert(name), "{name} stands twice");
        }
    }
}
