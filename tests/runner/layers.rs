//! What holds where a layer is missing or forbidden, and what's open to every confined program.

use rustix::io::Errno;

use crate::driver;
use crate::support::{job, ran};

#[test]
fn a_layer_that_is_forbidden_is_told_from_one_that_is_not_there() {
    let mut driver = driver::command("exit\n0", "require");
    driver.env("DRIVE_WITHOUT", "the right to use landlock");
    let told = driver::told(driver);
    assert!(told.contains("landlock: this process may not use it"), "{told}");
}

#[test]
fn a_program_without_the_network_is_not_run_where_nothing_would_keep_it_from_there() {
    for (sandbox, runs) in [("prefer", false), ("off", true)] {
        let mut driver = driver::command("exit\n0", sandbox);
        driver.env("DRIVE_WITHOUT", "the right to use seccomp");
        let told = driver::told(driver);
        assert_eq!(told.contains("ended 0"), runs, "{told}");
        assert_eq!(told.contains("seccomp: this process may not use it"), !runs, "{told}");
    }
}

#[tokio::test]
async fn public_settings_can_be_read_and_those_with_passwords_not() {
    for (setting, readable) in [
        ("/etc/hosts", true),
        ("/etc/gitconfig", true),
        ("/etc/wgetrc", true),
        ("/etc/ldap/ldap.conf", true),
        ("/etc/ssl/openssl.cnf", true),
        ("/etc/npmrc", false),
        ("/etc/pip.conf", false),
        ("/etc/mysql/debian.cnf", false),
        ("/etc/shadow", false),
    ] {
        if std::fs::File::open(setting).is_err() {
            continue;
        }
        let ran = ran(job(&["read", setting])).await.unwrap();
        assert_eq!(ran.out != format!("refused {}", Errno::ACCESS.raw_os_error()), readable, "{setting}");
    }
}
