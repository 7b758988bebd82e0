//! Trees of processes that don't want to end.

use std::io::Write as _;
use std::time::Duration;

/// Much longer than any test; if a test fails, it's over some day all the same.
const LONG: Duration = Duration::from_secs(180);

/// Grows one, says the numbers of its processes, and stays or ends.
pub(crate) fn grow(kind: &str) {
    match kind {
        // Detached twice over, deaf to being asked, and their parents gone.
        "daemons" => {
            for _ in 0..5 {
                detached(deaf_forever);
            }
            say(std::process::id());
            deaf_forever();
        }
        // The same, but the program itself ends.
        "left" => {
            for _ in 0..5 {
                detached(deaf_forever);
            }
        }
        // Each starts the next in a session of its own and ends at once.
        "chain" => {
            for _ in 0..2 {
                detached(|| hop(3_000));
            }
            say(std::process::id());
            deaf_forever();
        }
        // A tree that stops itself.
        "stopped" => {
            detached(|| {
                // SAFETY: it signals itself.
                unsafe { libc::raise(libc::SIGSTOP) };
                deaf_forever();
            });
            say(std::process::id());
            deaf_forever();
        }
        "plain" => {
            say(std::process::id());
            std::thread::sleep(LONG);
        }
        _ => std::process::exit(64),
    }
}

fn say(number: u32) {
    let mut out = std::io::stdout();
    writeln!(out, "{number}").unwrap();
    out.flush().unwrap();
}

/// Starts something in a session of its own, whose parent is gone. When this returns, it has said its number.
fn detached(work: impl FnOnce()) {
    let mut ready = [0_i32; 2];
    // SAFETY: this program has one thread, and the pipe and the byte have room.
    unsafe {
        libc::pipe(ready.as_mut_ptr());
        match libc::fork() {
            0 => {
                libc::setsid();
                if libc::fork() == 0 {
                    libc::setsid();
                    say(std::process::id());
                    libc::write(ready[1], c"x".as_ptr().cast(), 1);
                    libc::close(ready[0]);
                    libc::close(ready[1]);
                    work();
                }
                libc::_exit(0);
            }
            child => {
                libc::waitpid(child, std::ptr::null_mut(), 0);
            }
        }
        let mut byte = [0_u8];
        libc::read(ready[0], byte.as_mut_ptr().cast(), 1);
        libc::close(ready[0]);
        libc::close(ready[1]);
    }
}

fn deaf_forever() {
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
        // SAFETY: it only ignores signals.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    std::thread::sleep(LONG);
}

/// Ends at once, with another process in its place, and so on: after so many times it stays.
fn hop(times: u64) {
    for _ in 0..times {
        // SAFETY: this program has one thread.
        match unsafe { libc::fork() } {
            0 => {
                // SAFETY: as above.
                unsafe { libc::setsid() };
            }
            // SAFETY: nothing is left to be done.
            _ => unsafe { libc::_exit(0) },
        }
    }
    deaf_forever();
}
