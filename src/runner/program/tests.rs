use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

struct World(tempfile::TempDir);

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str, content: &[u8], mode: u32) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }
}

fn refused(exe: &Path, pinned: Option<&[u8; 32]>) -> String {
    match Program::open(exe, pinned, false) {
        Err(NotRun::Program(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_program_of_root_is_trusted() {
    let program = Program::open(Path::new("/bin/true"), None, false).unwrap();
    assert_eq!(program.real(), Path::new("/bin/true").canonicalize().unwrap());
}

#[test]
fn what_others_can_change_or_what_changes_its_rights_is_refused() {
    let world = World::new();
    for (mode, why) in [
        (0o775, "others can write"),
        (0o757, "others can write"),
        (0o4755, "rights of its owner"),
        (0o2755, "rights of its owner"),
        (0o644, "isn't executable"),
    ] {
        let exe = world.file("exe", b"\x7fELF", mode);
        let text = refused(&exe, None);
        assert!(text.contains(why), "{mode:o}: {text}");
        fs::remove_file(exe).unwrap();
    }
    assert!(refused(world.0.path(), None).contains("isn't a file"));
}

#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let world = World::new();
    let pipe = world.0.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o755), 0)
        .unwrap();
    assert!(refused(&pipe, None).contains("isn't a file"));
}

#[test]
fn a_script_is_refused_unless_it_may_be_one() {
    let world = World::new();
    let script = world.file("script", b"#!/bin/sh\n", 0o755);
    assert!(refused(&script, None).contains("trusted-code"));
    assert!(Program::open(&script, None, true).is_ok());
    for no_script in [b"".as_slice(), b"#", b" #!/bin/sh\n"] {
        assert!(Program::open(&world.file("other", no_script, 0o755), None, false).is_ok());
    }
}

#[test]
fn a_pinned_program_has_the_pinned_digest() {
    let world = World::new();
    // More than is hashed at once.
    let content = vec![7; CHUNK * 2 + 1];
    let exe = world.file("exe", &content, 0o755);
    let digest: [u8; 32] = digest::digest(&digest::SHA256, &content).as_ref().try_into().unwrap();
    assert!(Program::open(&exe, Some(&digest), false).is_ok());
    assert!(refused(&exe, Some(&[0; 32])).contains("sha256sum"));
    let exe = world.file("exe", &content[1..], 0o755);
    assert!(refused(&exe, Some(&digest)).contains("isn't the program that the policy pins"));
}

#[test]
fn the_real_name_is_that_of_what_a_link_leads_to() {
    let world = World::new();
    world.file("busybox", b"", 0o755);
    symlink("busybox", world.0.path().join("mytool")).unwrap();
    assert_eq!(real_name(&world.0.path().join("mytool")).unwrap(), "busybox");
    assert!(real_name(Path::new("/")).is_err());
}
