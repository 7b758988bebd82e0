//! The words that HTTP's figures are counted by. There's no other way into a label: not for a path,
//! nor for a name, nor for anything that a client says.

use crate::model::{Word as _, closed};

closed! {
    /// What was addressed.
    Route {
        /// The protocol's endpoint.
        Mcp = "mcp",
        /// What tells clients where to get a token.
        Metadata = "metadata",
        /// Whether the process lives.
        Livez = "livez",
        /// Whether it can do its work.
        Readyz = "readyz",
        /// Anything else.
        Other = "other",
    }
}

closed! {
    /// What was asked for: a tool by its name, or a method of the protocol.
    Method {
        /// The tool of that name.
        CheckAccess = "check_access",
        /// The tool of that name.
        DeleteSecret = "delete_secret",
        /// The tool of that name.
        DescribeSecret = "describe_secret",
        /// The tool of that name.
        GetEnvBundle = "get_env_bundle",
        /// The tool of that name.
        GetSecret = "get_secret",
        /// The tool of that name.
        HttpRequest = "http_request",
        /// The tool of that name.
        ListActions = "list_actions",
        /// The tool of that name.
        ListSecrets = "list_secrets",
        /// The tool of that name.
        ListVaults = "list_vaults",
        /// The tool of that name.
        PutSecret = "put_secret",
        /// The tool of that name.
        RotateAndStore = "rotate_and_store",
        /// The tool of that name.
        RunCommand = "run_command",
        /// A tool that there isn't.
        UnknownTool = "unknown_tool",
        /// The method of that name.
        Complete = "completion/complete",
        /// The method of that name.
        Initialize = "initialize",
        /// The method of that name.
        SetLevel = "logging/setLevel",
        /// The method of that name.
        Cancelled = "notifications/cancelled",
        /// The method of that name.
        Initialized = "notifications/initialized",
        /// The method of that name.
        Progress = "notifications/progress",
        /// The method of that name.
        Ping = "ping",
        /// The method of that name.
        GetPrompt = "prompts/get",
        /// The method of that name.
        ListPrompts = "prompts/list",
        /// The method of that name.
        ListResources = "resources/list",
        /// The method of that name.
        ReadResource = "resources/read",
        /// The method of that name.
        Subscribe = "resources/subscribe",
        /// The method of that name.
        ListTemplates = "resources/templates/list",
        /// The method of that name.
        Unsubscribe = "resources/unsubscribe",
        /// The method of that name.
        Discover = "server/discover",
        /// The method of that name.
        Listen = "subscriptions/listen",
        /// The method of that name.
        ListTools = "tools/list",
        /// A stream of a session's messages, asked for with GET.
        Stream = "stream",
        /// The end of a session, asked for with DELETE.
        EndSession = "end_session",
        /// Anything else, and what was refused before it was read.
        Other = "other",
    }
}

closed! {
    /// What came of a request.
    Outcome {
        /// It was done.
        Ok = "ok",
        /// It was understood and answered with an error: a tool's, or the protocol's.
        Error = "error",
        /// It was turned away: a status of 400 to 499.
        Refused = "refused",
        /// It couldn't be served: a status of 500 or more.
        Failed = "failed",
        /// The client went away before it was answered.
        Gone = "gone",
    }
}

closed! {
    /// Why a request or a connection was turned away.
    Refusal {
        /// `Accept` doesn't name what's answered with.
        Accept = "accept",
        /// Its principal has too many requests under way.
        Concurrency = "concurrency",
        /// There are too many connections.
        Connections = "connections",
        /// The body isn't of a kind that's read here.
        ContentType = "content_type",
        /// It took longer than a request may.
        Deadline = "deadline",
        /// The server is about to end.
        Draining = "draining",
        /// What a proxy says of the client's address can't be read.
        Forwarded = "forwarded",
        /// The headers say something else than the body.
        HeaderMismatch = "header_mismatch",
        /// The `Host` isn't one of ours.
        Host = "host",
        /// The token doesn't carry the scope that's needed.
        InsufficientScope = "insufficient_scope",
        /// It isn't HTTP, JSON or a message of the protocol.
        Malformed = "malformed",
        /// Not a method of HTTP that's answered here.
        Method = "method",
        /// There's nothing at this address.
        NotFound = "not_found",
        /// The `Origin` isn't allowed.
        Origin = "origin",
        /// Its principal asks too often.
        Rate = "rate",
        /// The session isn't there, or is another principal's.
        SessionUnknown = "session_unknown",
        /// There are too many sessions.
        SessionsFull = "sessions_full",
        /// The TLS handshake failed.
        Tls = "tls",
        /// The request is larger than is read.
        TooLarge = "too_large",
        /// The request came in too slowly.
        TooSlow = "too_slow",
        /// There's no token, or none that counts.
        Unauthenticated = "unauthenticated",
        /// Whether the token counts can't be found out just now.
        Unavailable = "unavailable",
        /// A version of the protocol that isn't spoken here.
        Version = "version",
    }
}

closed! {
    /// A part of the program that has to work for requests to be served.
    Part {
        /// The audit log.
        Audit = "audit",
        /// The policy.
        Policy = "policy",
        /// The sources of values.
        Sources = "sources",
    }
}

/// The method by which tools are called; it's told apart by tool.
const CALL: &str = "tools/call";

impl Method {
    /// The tools.
    const TOOLS: [Self; 12] = [
        Self::CheckAccess,
        Self::DeleteSecret,
        Self::DescribeSecret,
        Self::GetEnvBundle,
        Self::GetSecret,
        Self::HttpRequest,
        Self::ListActions,
        Self::ListSecrets,
        Self::ListVaults,
        Self::PutSecret,
        Self::RotateAndStore,
        Self::RunCommand,
    ];

    /// What a message of the protocol asks for, by its method and, where that's a call, the tool it names.
    #[must_use]
    pub fn of_message(method: &str, tool: Option<&str>) -> Self {
        if method == CALL {
            return tool.and_then(Self::of_tool).unwrap_or(Self::UnknownTool);
        }
        let is_protocols = |one: &Self| !Self::TOOLS.contains(one) && !one.is_own_word();
        Self::from_word(method).filter(is_protocols).unwrap_or(Self::Other)
    }

    fn of_tool(name: &str) -> Option<Self> {
        Self::TOOLS.into_iter().find(|tool| tool.as_str() == name)
    }

    /// Whether the word is ours, so that nobody can say it.
    const fn is_own_word(self) -> bool {
        matches!(self, Self::EndSession | Self::Other | Self::Stream | Self::UnknownTool)
    }
}

impl Outcome {
    /// What a status says.
    #[must_use]
    pub const fn of_status(status: u16) -> Self {
        match status {
            0..400 => Self::Ok,
            400..500 => Self::Refused,
            500.. => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::ToolName;

    #[test]
    fn every_tool_there_is_has_its_word() {
        let named: Vec<&str> = ToolName::ALL.iter().map(|tool| tool.as_str()).collect();
        let mut known: Vec<&str> = Method::TOOLS.iter().map(|tool| tool.as_str()).collect();
        assert_eq!(named, known);
        known.retain(|tool| Method::of_message(CALL, Some(tool)).as_str() != *tool);
        assert_eq!(known, [""; 0]);
    }

    #[test]
    fn what_a_client_makes_up_is_other() {
        for method in ["", "Ping", "ping ", "other", "stream", "end_session", "unknown_tool", "get_secret", "a/b"] {
            assert_eq!(Method::of_message(method, None), Method::Other, "{method}");
        }
        for tool in ["", "ping", "other", "tools/list", "Get_Secret", "unknown_tool"] {
            assert_eq!(Method::of_message(CALL, Some(tool)), Method::UnknownTool, "{tool}");
        }
        assert_eq!(Method::of_message(CALL, None), Method::UnknownTool);
        assert_eq!(Method::of_message("ping", Some("get_secret")), Method::Ping);
        assert_eq!(Method::of_message("tools/list", None), Method::ListTools);
    }

    #[test]
    fn a_status_is_an_outcome() {
        use Outcome::{Failed, Ok, Refused};
        let of = [200, 202, 304, 400, 499, 500, 503].map(Outcome::of_status);
        assert_eq!(of, [Ok, Ok, Ok, Refused, Refused, Failed, Failed]);
    }
}
