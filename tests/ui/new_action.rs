//! Nobody adds an action that no policy knows of.

use opward::model::{Action, ActionKind};

struct Exfiltrate;

impl ActionKind for Exfiltrate { //~ E0277
    const ACTION: Action = Action::List;
}

fn main() {}
