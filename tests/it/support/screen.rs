//! A person's terminal, as far as a program can tell: typed at and looked at by a test.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};

/// Longer than anything that works takes.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Screen {
    outer: File,
    /// Kept open, so that the terminal outlives what runs on it.
    inner: OwnedFd,
    child: Child,
    seen: Arc<(Mutex<Vec<u8>>, Condvar)>,
    /// How much of it was waited for already.
    read: usize,
}

impl Screen {
    /// Starts a program on a terminal, as the leader of a session on it.
    #[expect(clippy::disallowed_methods, reason = "a test starts the program it tests")]
    pub(crate) fn start(home: &Path, words: &[&str]) -> Self {
        let outer = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&outer).unwrap();
        unlockpt(&outer).unwrap();
        let name = ptsname(&outer, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let inner = rustix::fs::open(name, flags, rustix::fs::Mode::empty()).unwrap();
        tcsetwinsize(&outer, size(40, 100)).unwrap();
        let stream = || inner.try_clone().unwrap();
        let mut command = Command::new("setsid");
        command.arg("--ctty").args(words).env_clear().env("OPWARD_HOME", home).env("PATH", "/usr/bin:/bin");
        command.env("PS1", "shell> ").env("OPWARD", env!("CARGO_BIN_EXE_opward")).current_dir(home);
        let child = command.stdin(stream()).stdout(stream()).stderr(stream()).spawn().unwrap();
        let seen = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let (into, mut from) = (Arc::clone(&seen), File::from(outer.try_clone().unwrap()));
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut piece) {
                into.0.lock().unwrap().extend_from_slice(&piece[..count]);
                into.1.notify_all();
            }
        });
        Self { outer: File::from(outer), inner, child, seen, read: 0 }
    }

    /// Starts opward on one.
    pub(crate) fn opward(home: &Path, arguments: &[&str]) -> Self {
        Self::start(home, &[&[env!("CARGO_BIN_EXE_opward")], arguments].concat())
    }

    pub(crate) fn types(&mut self, text: &str) {
        self.outer.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        tcsetwinsize(&self.outer, size(rows, columns)).unwrap();
    }

    /// Waits until a text is shown after what was waited for before.
    pub(crate) fn shows(&mut self, text: &str) {
        let mut seen = self.seen.0.lock().unwrap();
        loop {
            let new = String::from_utf8_lossy(&seen[self.read..]).into_owned();
            if let Some(at) = new.find(text) {
                self.read += at + text.len();
                return;
            }
            let (more, waited) = self.seen.1.wait_timeout(seen, PATIENCE).unwrap();
            seen = more;
            assert!(!waited.timed_out(), "{text:?} isn't shown: {new:?}");
        }
    }

    /// Everything that was shown.
    pub(crate) fn all(&self) -> String {
        String::from_utf8_lossy(&self.seen.0.lock().unwrap()).into_owned()
    }

    pub(crate) fn settings(&self) -> Termios {
        tcgetattr(&self.inner).unwrap()
    }

    /// Whether the terminal shows and edits what's typed, as people expect of it.
    pub(crate) fn is_as_usual(&self) -> bool {
        self.settings().local_modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    pub(crate) fn id(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    pub(crate) fn end(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "it doesn't end: {:?}", self.all());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}
