use std::fs;
use std::os::unix::fs::symlink;

use super::*;

fn refused(root: &Path, relative: &str) -> String {
    match open_under(root, relative) {
        Err(NotRun::Parameter(why)) => why,
        other => panic!("{relative:?}: {other:?}"),
    }
}

#[test]
fn files_and_folders_below_are_found_and_named_by_the_root_as_it_was_written() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("sub")).unwrap();
    fs::write(root.path().join("sub/it's a file"), "").unwrap();
    for relative in ["sub", "sub/it's a file"] {
        let (named, _) = open_under(root.path(), relative).unwrap();
        assert_eq!(named, root.path().join(relative).as_os_str());
    }
}

#[test]
fn what_leads_out_or_is_not_plain_is_refused() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("sub")).unwrap();
    fs::write(root.path().join("file"), "").unwrap();
    for relative in
        ["", ".", "..", "../etc/passwd", "sub/..", "sub/../../etc", "/etc/passwd", "sub//x", "sub/", "./file", "a\0b"]
    {
        assert!(refused(root.path(), relative).contains("plain way"), "{relative:?}");
    }
    assert!(refused(root.path(), "missing").contains("isn't there"));
    assert!(!refused(root.path(), "file/below").is_empty());
}

#[test]
fn no_link_is_followed_wherever_it_stands_and_leads() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("sub")).unwrap();
    fs::write(root.path().join("sub/file"), "").unwrap();
    symlink("/etc/passwd", root.path().join("out")).unwrap();
    symlink("sub", root.path().join("inside")).unwrap();
    symlink("/proc/self/fd/0", root.path().join("magic")).unwrap();
    for relative in ["out", "inside", "inside/file", "magic"] {
        let text = refused(root.path(), relative);
        assert!(text.contains("link") || text.contains("Not a directory"), "{relative}: {text}");
    }
    let linked = tempfile::tempdir().unwrap();
    symlink(root.path(), linked.path().join("root")).unwrap();
    assert!(refused(&linked.path().join("root"), "sub/file").contains("reached through a link"));
}

#[test]
fn a_file_of_several_names_and_what_is_no_file_are_refused() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), "").unwrap();
    assert!(open_under(root.path(), "file").is_ok());
    fs::hard_link(root.path().join("file"), root.path().join("second")).unwrap();
    assert!(refused(root.path(), "file").contains("hard links"));
    let _socket = std::os::unix::net::UnixListener::bind(root.path().join("socket")).unwrap();
    assert!(refused(root.path(), "socket").contains("neither a file nor a folder"));
}
