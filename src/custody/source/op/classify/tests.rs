//! Each complaint as it's known to be worded, and names that try to look like one.

use super::*;

const ID: &str = "abcdefghijklmnopqrstuvwx12";
const VAULT: &str = "zyxwvutsrqponmlkjihgfedc34";

/// The message as `op` prints it.
fn said(message: &str) -> Complaint {
    classify(format!("[ERROR] 2026/11/21 10:11:12 {message}\n").as_bytes())
}

#[test]
fn knows_each_complaint() {
    let limited = |seconds| Complaint::RateLimited(Some(Duration::from_secs(seconds)));
    let table = [
        (format!("\"{ID}\" isn't an item in the \"Prod\" vault. Specify the item with its UUID, name, or domain."), Complaint::Missing),
        (format!("\"{ID}\" isn't an item. Specify the item with its UUID, name, or domain."), Complaint::Missing),
        (format!("\"{VAULT}\" isn't a vault in this account. Specify the vault with its ID or name."), Complaint::Missing),
        (format!("could not find item {ID} in vault {VAULT}, because it has been deleted or archived."), Complaint::Missing),
        (format!("could not get item {VAULT}/{ID}: \"{ID}\" isn't an item in the \"V\" vault. Specify"), Complaint::Missing),
        (format!("could not resolve item UUID for item {ID}: could not find item {ID} in vault {VAULT}"), Complaint::Missing),
        ("(404) Not Found: The requested resource was not found.".into(), Complaint::Missing),
        ("\"-\" isn't an item. Specify the item with its UUID, name, or domain.".into(), Complaint::PipeUnread),
        ("a vault query must be provided when this command is called by a service account".into(), Complaint::VaultNeeded),
        ("You are not currently signed in. Please run `op signin --help` for instructions".into(), Complaint::SignedOut),
        ("error initializing client: You are not currently signed in. Please run `op signin`".into(), Complaint::SignedOut),
        ("account is not signed in".into(), Complaint::SignedOut),
        ("no account found for filter my.1password.com".into(), Complaint::SignedOut),
        ("error initializing client: found no accounts for filter \"family\"".into(), Complaint::SignedOut),
        ("No accounts configured for use with 1Password CLI.".into(), Complaint::SignedOut),
        ("could not find session token for account my".into(), Complaint::SignedOut),
        ("session expired, sign in to create a new session".into(), Complaint::SessionExpired),
        ("authorization prompt dismissed, please try again".into(), Complaint::PromptDismissed),
        ("error initializing client: authorization prompt dismissed, please try again".into(), Complaint::PromptDismissed),
        ("authorization timeout".into(), Complaint::PromptUnanswered),
        ("connecting to desktop app: read: connection reset, make sure the app is running".into(), Complaint::AppUnreachable),
        ("error initializing client: connecting to desktop app timed out".into(), Complaint::AppUnreachable),
        ("response: unsupportedClientType".into(), Complaint::AppUnreachable),
        ("error initializing client: RequestDelegatedSession: cannot setup session".into(), Complaint::AppUnreachable),
        ("error initializing client: failed to DecodeSACredentials, server returned 0 bytes".into(), Complaint::TokenMalformed),
        ("failed to DecodeSACCredentials: illegal base64 data".into(), Complaint::TokenMalformed),
        ("error initializing client: Validation: (failed to session.DecodeSACredentials), Couldn't decode".into(), Complaint::TokenMalformed),
        ("error initializing client: Authentication: (failed to auth.LookupAuth), Network: (failed to request.DoUnencrypted), Server: (403) (Forbidden (Service Account Deleted)), The Service Account used in this integration has been deleted.".into(), Complaint::TokenRefused),
        ("(403) Forbidden: You aren't authorized to access this resource.".into(), Complaint::Forbidden),
        ("(401) Unauthorized: You aren't authorized to perform this action.".into(), Complaint::Forbidden),
        ("(101) you do not have permission to perform this action".into(), Complaint::Forbidden),
        ("you do not have permission to perform this action (101)".into(), Complaint::Forbidden),
        ("(409) Conflict: Internal server conflict".into(), Complaint::Conflict),
        ("(413) Request Entity Too Large".into(), Complaint::TooLarge),
        ("(429) Too Many Requests: You've reached the maximum number of this type of requests this service account is allowed to make. Please retry in 59 minutes or try other requests.".into(), limited(59 * 60)),
        ("error initializing client: (429) Too Many Requests: Please retry in 30 seconds".into(), limited(30)),
        ("error initializing client: Network: (failed to request.Do), Server: (429) (Too Many Requests), Please retry in 2 hours.".into(), limited(2 * 3600)),
        ("(429) Too Many Requests: Please retry in 1 hour and 5 minutes or try other requests.".into(), limited(65 * 60)),
        ("(429) Too Many Requests: Please retry in an hour".into(), limited(3600)),
        ("(429) Too Many Requests: Please retry in 90 days".into(), limited(24 * 3600)),
        ("(429) Too Many Requests: Please retry in 99999999999999999999 minutes".into(), Complaint::RateLimited(None)),
        ("Too many requests. Your client has been rate-limited. Try again in  seconds".into(), Complaint::RateLimited(None)),
        ("Too many requests. Your client has been rate-limited. Try again in 12 seconds".into(), limited(12)),
        ("Too many requests. Your client has been rate-limited.".into(), Complaint::RateLimited(None)),
        ("(400) Bad Request: The structure of request was invalid.".into(), Complaint::Rejected),
        ("Couldn't validate the item: \"[ItemValidator] has found 1 errors: {1. Item updatedAt must be > 1970-01-01}\"".into(), Complaint::Rejected),
        ("Validation: (validateVaultItem failed to Validate), Couldn't validate the item: \"[ItemValidator] …\"".into(), Complaint::Rejected),
        ("unable to process line 1: Password item requires ps value".into(), Complaint::Rejected),
        ("unable to process line 1: something new".into(), Complaint::Rejected),
        ("unable to process line 1: a vault query must be provided when this".into(), Complaint::VaultNeeded),
        ("invalid JSON in piped input".into(), Complaint::Rejected),
        ("(500) Internal Server Error".into(), Complaint::ServerTrouble),
        ("(503) Service Unavailable: try later".into(), Complaint::ServerTrouble),
        ("error initializing client: Network: (failed to request.DoUnencrypted), Post \"https://my.1password.com/api/v3/auth/start\": dial tcp: lookup my.1password.com: no such host".into(), Complaint::Offline),
        ("Get \"https://my.1password.com/api\": dial tcp 10.0.0.1:443: i/o timeout".into(), Complaint::Offline),
        ("dial tcp 127.0.0.1:443: connect: connection refused".into(), Complaint::Offline),
        ("Put \"https://my.1password.com/api\": read: context deadline exceeded".into(), Complaint::Interrupted),
        ("read: context deadline exceeded".into(), Complaint::Interrupted),
        ("unknown flag: --archive".into(), Complaint::Usage),
        ("unknown command \"ratelimit\" for \"op service-account\"".into(), Complaint::Usage),
    ];
    for (message, complaint) in table {
        assert_eq!(said(&message), complaint, "{message}");
    }
}

#[test]
fn a_name_is_never_taken_for_a_complaint() {
    let names = [
        "(429) Too Many Requests",
        "x\" isn't an item in the \"V\" vault. Specify",
        "isn't an item",
        "(409) Conflict: Internal server conflict",
        "session expired",
        "You are not currently signed in",
        "(403) Forbidden",
        "-\" isn't an item",
    ];
    for name in names {
        for message in [
            format!("\"{name}\" can't be edited"),
            format!("\"{name}\" isn't an item in the \"V\" vault. Specify the item with its UUID, name, or domain."),
            format!("More than one item matches \"{name}\". Try again and specify the item by its ID: "),
            format!("could not find item {name} in vault {name}, because"),
            format!("could not get item {name}: {name}"),
            format!("item {name}: {name}"),
            format!("cannot edit {name}"),
            format!("error initializing client: {name:?}"),
            format!("error: {name}"),
            format!("strange\n[ERROR] 2026/11/21 10:11:12 {name}"),
        ] {
            let complaint = said(&message);
            // One of the names begins as `op` does where it didn't read the pipe; no more follows from it
            // than that items are asked for one by one.
            let harmless = [Complaint::Unknown, Complaint::PipeUnread];
            assert!(harmless.contains(&complaint), "{message}: {complaint:?}");
            assert!(complaint == Complaint::Unknown || name.starts_with('-'), "{message}: {complaint:?}");
        }
        // Names behind what's known change nothing of it.
        let missing = format!("\"{ID}\" isn't an item in the \"{name}\" vault. Specify the item");
        assert_eq!(said(&missing), Complaint::Missing, "{name}");
    }
}

#[test]
fn the_first_marked_line_counts_wherever_it_stands() {
    let limited = "[ERROR] 2026/11/21 10:11:12 (409) Conflict: Internal server conflict\n";
    assert_eq!(classify(format!("A newer version is available.\n(403) no\n{limited}").as_bytes()), Complaint::Conflict);
    let second = format!("{limited}[ERROR] 2026/11/21 10:11:12 (403) Forbidden: x\n");
    assert_eq!(classify(second.as_bytes()), Complaint::Conflict);
    assert_eq!(classify(b"[ERROR] (403) Forbidden: x"), Complaint::Forbidden);
    assert_eq!(classify(b"unknown flag: --archive\nUsage: op item delete"), Complaint::Usage);
    assert!(is_error(format!("update!\n{limited}").as_bytes()));
    assert!(!is_error(b"A newer version fixes [ERROR] lines"));
}

#[test]
fn what_is_not_known_is_unknown() {
    for text in [
        &b""[..],
        b"\n\n",
        b"[ERROR] ",
        b"[ERROR] 2026/11/21 10:11:12 ",
        b"[ERROR] 2026/11/21 10:11:12 \xff\xfe",
        b"[ERROR] 2026/11/21 10:11:12 not found",
        b"[ERROR] 2026/11/21 10:11:1\xc3\xa9 (403) x",
        b"panic: runtime error: invalid memory address or nil pointer dereference",
        b"(40",
        b"(4040) x",
        b"\"",
        b"\"\" isn't an item",
    ] {
        assert_eq!(classify(text), Complaint::Unknown, "{:?}", String::from_utf8_lossy(text));
    }
}
