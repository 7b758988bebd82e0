use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

#[test]
fn a_path_is_followed_to_where_it_really_leads() {
    let folder = folder();
    fs::create_dir(folder.path().join("real")).unwrap();
    fs::write(folder.path().join("real/file"), "").unwrap();
    symlink("real", folder.path().join("relative")).unwrap();
    symlink(folder.path().join("relative/../relative/file"), folder.path().join("absolute")).unwrap();
    let real = folder.path().canonicalize().unwrap().join("real/file");
    assert_eq!(resolve(&folder.path().join("absolute"), Way::OnlyOurs).unwrap(), real);
    assert_eq!(resolve(&real, Way::WithoutLinks).unwrap(), real);
    assert_eq!(resolve(Path::new("/bin/sh"), Way::OnlyOurs).unwrap(), Path::new("/bin/sh").canonicalize().unwrap());
}

#[test]
fn a_folder_that_others_can_write_makes_the_way_untrusted() {
    let folder = folder();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("file"), "").unwrap();
    for (mode, trusted) in [(0o755, true), (0o775, false), (0o757, false), (0o1777, true), (0o700, true)] {
        fs::set_permissions(&inner, Permissions::from_mode(mode)).unwrap();
        let resolved = resolve(&inner.join("file"), Way::OnlyOurs);
        assert_eq!(resolved.is_ok(), trusted, "{mode:o}: {resolved:?}");
        assert!(resolve(&inner.join("file"), Way::WithoutLinks).is_ok(), "{mode:o}");
        if !trusted {
            let text = resolved.unwrap_err();
            assert!(text.contains(&format!("chmod go-w {}", inner.display())), "{text}");
        }
    }
}

#[test]
fn a_folder_or_link_of_somebody_else_makes_the_way_untrusted() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = folder();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("file"), "").unwrap();
    let link = folder.path().join("link");
    symlink("inner", &link).unwrap();
    assert!(resolve(&link.join("file"), Way::OnlyOurs).is_ok());
    std::os::unix::fs::lchown(&link, Some(54_321), None).unwrap();
    assert!(resolve(&link.join("file"), Way::OnlyOurs).unwrap_err().contains("belongs to user 54321"));
    std::os::unix::fs::chown(&inner, Some(54_321), None).unwrap();
    assert!(resolve(&inner.join("file"), Way::OnlyOurs).unwrap_err().contains("belongs to user 54321"));
}

#[test]
fn a_place_is_reached_without_a_link_but_the_systems_own() {
    let folder = folder();
    fs::create_dir(folder.path().join("real")).unwrap();
    symlink("real", folder.path().join("link")).unwrap();
    let refused = resolve(&folder.path().join("link"), Way::WithoutLinks).unwrap_err();
    assert!(refused.contains("name the real place"), "{refused}");
    for link in ["/bin", "/lib", "/var/run", "/var/lock"].map(Path::new).into_iter().filter(|path| path.is_symlink()) {
        assert!(resolve(link, Way::WithoutLinks).is_ok(), "{}", link.display());
    }
}

#[test]
fn links_in_a_circle_and_relative_paths_and_what_is_not_there_are_refused() {
    let folder = folder();
    symlink("second", folder.path().join("first")).unwrap();
    symlink("first", folder.path().join("second")).unwrap();
    let circle = resolve(&folder.path().join("first"), Way::OnlyOurs).unwrap_err();
    assert!(circle.contains("leads nowhere"), "{circle}");
    assert!(resolve(Path::new("bin/sh"), Way::OnlyOurs).unwrap_err().contains("absolute"));
    assert!(resolve(&folder.path().join("missing"), Way::OnlyOurs).unwrap_err().ends_with("missing isn't there"));
}

#[test]
fn a_link_that_came_up_after_resolving_is_not_opened() {
    let folder = folder();
    let real = folder.path().canonicalize().unwrap().join("place");
    fs::create_dir(&real).unwrap();
    let resolved = resolve(&real, Way::WithoutLinks).unwrap();
    assert!(open_resolved(&resolved).is_ok());
    fs::remove_dir(&real).unwrap();
    symlink("/etc", &real).unwrap();
    assert!(open_resolved(&resolved).unwrap_err().contains("link"));
}
