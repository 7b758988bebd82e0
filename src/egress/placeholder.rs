//! References where a value would have to stand. Nothing the caller gives is ever substituted, so a reference in it is a
//! mistake, or an attempt to have the value sent to where it can be read back.

use super::error::NotSent;

/// Refuses a part of a request that holds an `op://` reference, in a template or not.
pub(super) fn refuse(part: &str, bytes: &[u8]) -> Result<(), NotSent> {
    if holds_reference(bytes) {
        return Err(NotSent::Invalid(format!(
            "the {part} has an `op://` reference, which would be sent as it is: opward puts the value into the one place \
             that the policy names, and nowhere else; leave the reference out"
        )));
    }
    Ok(())
}

fn holds_reference(bytes: &[u8]) -> bool {
    let colons = bytes.iter().enumerate().filter(|(_, byte)| **byte == b':');
    colons.into_iter().any(|(at, _)| {
        let (before, after) = bytes.split_at(at);
        after.starts_with(b"://") && {
            // `shop://` is another scheme.
            let scheme = before.rsplit(|byte| !byte.is_ascii_alphanumeric() && !b"+-.".contains(byte)).next();
            scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"op"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_references() {
        for text in
            ["op://V/I/f", "key={{ op://V/I/f }}", "{{op://V/I/f}}", "\"OP://V/I/f\"", "a:b op://V", "${op://V}"]
        {
            assert!(holds_reference(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn leaves_everything_else_alone() {
        for text in
            ["", ":", "://", "op", "op:/", "op:x", "shop://V", "co-op://x", "https://op", "{}", "{{ x }}", "${x}"]
        {
            assert!(!holds_reference(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn says_nothing_of_what_it_found() {
        let error = refuse("body", b"op://Vault-k4n4ry/x").unwrap_err().to_string();
        assert!(error.contains("the body") && !error.contains("k4n4ry"), "{error}");
    }
}
