//! Opaque places in a list.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::ItemPath;

/// What a cursor begins with; another beginning is of another version.
const VERSION: &str = "1:";

/// A text that isn't a cursor of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor isn't one that list_secrets gave")]
pub(super) struct CursorError(());

/// A cursor is the last path shown, so that what's added or removed meanwhile makes no gap. It
/// carries no authority: what it leads to is decided on as ever.
pub(super) fn after(path: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{VERSION}{path}"))
}

/// The path a cursor stands after.
pub(super) fn read(cursor: &str) -> Result<String, CursorError> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| CursorError(()))?;
    let text = String::from_utf8(bytes).map_err(|_| CursorError(()))?;
    let path = text.strip_prefix(VERSION).ok_or(CursorError(()))?;
    ItemPath::parse(path).map(|path| path.to_string()).map_err(|_| CursorError(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_path() {
        assert_eq!(read(&after("Prod/A%2FB")).unwrap(), "Prod/A%2FB");
        for bad in ["", "!", "MTph", "Mjpx", &URL_SAFE_NO_PAD.encode("1:a//b")] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
