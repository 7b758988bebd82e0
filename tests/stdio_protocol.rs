//! The stdio transport as a client sees it: a small handler behind it, and lines of JSON in and out.

#[cfg(test)]
mod stdio_protocol {
    pub(crate) mod session;

    mod hostile;
    mod lifecycle;
    mod load;
    mod shutdown;
}
