//! What every confined program may read, whoever it is.

use std::path::{Component, Path, PathBuf};

/// The system's programs and libraries. Where one is a link, what it leads to is here as well.
pub(super) const PROGRAMS: [&str; 9] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"];

/// The public part of the system's settings: names, authorities, languages, and what common clients end without. Not
/// all of `/etc`, where other programs keep what isn't for everybody: settings of databases, package managers and
/// proxies often hold a password.
const SETTINGS: [&str; 52] = [
    "/etc/alpine-release",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/crypto-policies",
    "/etc/debian_version",
    "/etc/fonts",
    "/etc/gai.conf",
    "/etc/gitconfig",
    "/etc/gnutls/config",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/inputrc",
    "/etc/java",
    "/etc/krb5.conf",
    "/etc/krb5.conf.d",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/ldap/ldap.conf",
    "/etc/locale.alias",
    "/etc/locale.conf",
    "/etc/localtime",
    "/etc/lsb-release",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/networks",
    "/etc/nsswitch.conf",
    "/etc/odbcinst.ini",
    "/etc/openldap/ldap.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/pki/ca-trust",
    "/etc/pki/java",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/openssl.cnf",
    "/etc/protocols",
    "/etc/redhat-release",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/ssl/openssl.cnf.d",
    "/etc/system-release",
    "/etc/terminfo",
    "/etc/timezone",
    "/etc/wgetrc",
    "/etc/xml/catalog",
];

/// How the folders begin where Java's settings lie, one for each version.
const JAVA: &str = "java-";

/// The part of them that may hold passwords: who may manage a running program from elsewhere.
const JAVA_MANAGEMENT: &str = "management";

/// What runtimes ask about the machine and about themselves. What of `/proc` tells of other processes' memory,
/// environment and files is closed by Landlock itself: it takes the right to trace them.
#[cfg(target_os = "linux")]
pub(super) const MACHINE: [&str; 6] = [
    "/proc",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/hugepages",
    "/sys/kernel/mm/transparent_hugepage",
];

/// Devices that are sources of nothing, or of chance.
#[cfg(target_os = "linux")]
pub(super) const READABLE_DEVICES: [&str; 3] = ["/dev/full", "/dev/random", "/dev/urandom"];
#[cfg(target_os = "linux")]
pub(super) const WRITABLE_DEVICES: [&str; 2] = ["/dev/null", "/dev/zero"];

/// The folders and files that every confined program may read, beside what's asked about the machine.
#[must_use]
pub fn readable_by_all() -> Vec<PathBuf> {
    PROGRAMS.iter().map(PathBuf::from).chain(settings()).collect()
}

/// The folder of a package below `/opt`, where packages bring all they need. `real` is a program's path without links.
#[must_use]
pub fn package_of(real: &Path) -> Option<PathBuf> {
    let mut parts = real.components();
    let opt = parts.next() == Some(Component::RootDir) && parts.next()?.as_os_str() == "opt";
    let package = parts.next()?;
    // A program right below `/opt` isn't a folder.
    (opt && parts.next().is_some()).then(|| Path::new("/opt").join(package))
}

/// The settings that are there for everybody.
pub(super) fn settings() -> impl Iterator<Item = PathBuf> {
    SETTINGS.iter().map(PathBuf::from).chain(of_java(Path::new("/etc")))
}

fn of_java(etc: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let versions = entries(etc).filter(|entry| entry.file_name().as_encoded_bytes().starts_with(JAVA.as_bytes()));
    let within = versions.flat_map(|version| entries(&version.path()));
    within.filter(|entry| entry.file_name() != JAVA_MANAGEMENT).map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_every_java_are_among_them_without_its_passwords() {
        let etc = tempfile::tempdir().unwrap();
        for folder in ["java-17-openjdk/security", "java-21-openjdk/management", "javascript", "other"] {
            std::fs::create_dir_all(etc.path().join(folder)).unwrap();
        }
        std::fs::write(etc.path().join("java-21-openjdk/net.properties"), "").unwrap();
        let mut found = of_java(etc.path());
        found.sort();
        let expected = ["java-17-openjdk/security", "java-21-openjdk/net.properties"];
        assert_eq!(found, expected.map(|path| etc.path().join(path)));
    }

    #[test]
    fn a_package_is_the_folder_right_below_opt() {
        let package = |path| package_of(Path::new(path));
        assert_eq!(package("/opt/tool/bin/tool"), Some(PathBuf::from("/opt/tool")));
        assert_eq!([package("/opt/tool"), package("/usr/opt/tool/bin"), package("/")], [None, None, None]);
    }

    #[test]
    fn what_may_hold_a_password_is_not_among_the_settings() {
        for kept in ["/etc", "/etc/mysql", "/etc/my.cnf", "/etc/npmrc", "/etc/pip.conf", "/etc/odbc.ini", "/etc/shadow"]
        {
            assert!(!settings().any(|path| Path::new(kept).starts_with(&path)), "{kept}");
        }
    }
}
