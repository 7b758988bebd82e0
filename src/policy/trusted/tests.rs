//! Files, links and folders of one's own and of others.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("f"), "text").unwrap();
    mode(&home.path().join("f"), 0o600);
    home
}

#[test]
fn reads_a_file_of_ones_own() {
    let home = home();
    assert_eq!(read(&home.path().join("f"), 4).unwrap(), "text");
    assert!(matches!(read(&home.path().join("f"), 3), Err(ReadError::TooLarge { .. })));
    assert!(matches!(read(&home.path().join("g"), 9), Err(ReadError::Missing { .. })));
    assert!(matches!(read(home.path(), 9), Err(ReadError::NotAFile { .. })));
    fs::write(home.path().join("f"), b"\xff").unwrap();
    assert!(matches!(read(&home.path().join("f"), 9), Err(ReadError::NotText { .. })));
}

#[test]
fn refuses_a_file_others_can_write_and_says_what_to_do() {
    let home = home();
    for bad in [0o602, 0o620, 0o666] {
        mode(&home.path().join("f"), bad);
        let error = read(&home.path().join("f"), 9).unwrap_err();
        assert!(matches!(error, ReadError::Writable { .. }) && error.to_string().contains("chmod go-w"), "{error}");
    }
    mode(&home.path().join("f"), 0o644);
    assert!(read(&home.path().join("f"), 9).is_ok());
}

#[test]
fn refuses_a_link_to_a_file_others_can_write() {
    let home = home();
    symlink(home.path().join("f"), home.path().join("link")).unwrap();
    symlink("link", home.path().join("longer")).unwrap();
    assert!(read(&home.path().join("longer"), 9).is_ok());
    mode(&home.path().join("f"), 0o666);
    assert!(matches!(read(&home.path().join("longer"), 9), Err(ReadError::Writable { .. })));
}

#[test]
fn refuses_a_file_in_a_folder_others_can_write_even_behind_a_link() {
    let home = home();
    let open = home.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::rename(home.path().join("f"), open.join("f")).unwrap();
    symlink("open/f", home.path().join("link")).unwrap();
    for (bad, fine) in [(0o757, 0o1757), (0o775, 0o755)] {
        mode(&open, bad);
        assert!(matches!(read(&open.join("f"), 9), Err(ReadError::Writable { .. })), "{bad:o}");
        assert!(matches!(read(&home.path().join("link"), 9), Err(ReadError::Writable { .. })), "{bad:o}");
        mode(&open, fine);
        assert!(read(&home.path().join("link"), 9).is_ok(), "{fine:o}");
    }
}

#[test]
fn a_pipe_is_refused_without_waiting_for_a_writer() {
    let home = home();
    let pipe = home.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    assert!(matches!(read(&pipe, 9), Err(ReadError::NotAFile { .. })));
}

#[test]
fn links_that_lead_nowhere_are_refused() {
    let home = home();
    symlink("b", home.path().join("a")).unwrap();
    symlink("a", home.path().join("b")).unwrap();
    assert!(read(&home.path().join("a"), 9).is_err());
}
