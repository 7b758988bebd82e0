//! 1Password through its command line program, `op`.
