//! One server for many principals: each request is its caller's, and nothing passes from one to another.

use std::sync::Mutex;

use rmcp::model::{
    CacheScope, CallToolRequestParams, ClientNotification, ClientRequest, CompleteRequestParams, ErrorCode as RpcCode,
    ReadResourceRequestParams, ServerConfig, ServerResult,
};
use rmcp::service::{NotificationContext, RequestContext, RoleClient, RunningService, ServiceError};
use rmcp::{ErrorData, RoleServer, Service, ServiceExt as _};
use serde_json::json;

use super::*;
use crate::tools::{Caller, Server};

const RULES: &str = r#"
[[rule]]
id = "red"
effect = "allow"
principals = ["red"]
actions = ["list", "describe", "read"]
paths = ["Prod/Red*/**", "Prod/Shared/**"]

[[rule]]
id = "blue"
effect = "allow"
principals = ["blue"]
actions = ["list", "describe", "read"]
paths = ["Prod/Blue*/**", "Prod/Shared/**"]
"#;

const VALUES: [(&str, &str); 5] = [
    ("Prod/Red1/key", "canary-red"),
    ("Prod/Red2/key", "canary-red"),
    ("Prod/Blue1/key", "canary-blue"),
    ("Prod/Blue2/key", "canary-blue"),
    ("Prod/Shared/key", "shared"),
];

/// Does what a transport does: says with each request whose it is.
#[derive(Clone)]
struct Transporting {
    server: Server,
    caller: Arc<Mutex<Option<Caller>>>,
    opened_as: Arc<Mutex<Option<ClientName>>>,
}

impl Service<RoleServer> for Transporting {
    async fn handle_request(
        &self,
        request: ClientRequest,
        mut context: RequestContext<RoleServer>,
    ) -> Result<ServerResult, ErrorData> {
        let mut head = http::Request::new(()).into_parts().0;
        let caller = self.caller.lock().unwrap().clone();
        if let Some(caller) = caller {
            head.extensions.insert(caller);
        }
        if let Some(client) = self.opened_as.lock().unwrap().clone() {
            head.extensions.insert(client);
        }
        context.extensions.insert(head);
        Service::handle_request(&self.server, request, context).await
    }

    async fn handle_notification(
        &self,
        notification: ClientNotification,
        context: NotificationContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Service::handle_notification(&self.server, notification, context).await
    }

    fn get_info(&self) -> ServerConfig {
        Service::get_info(&self.server)
    }
}

/// A client of a hosted server, whose requests are whose the test says.
struct Client {
    session: RunningService<RoleClient, ()>,
    caller: Arc<Mutex<Option<Caller>>>,
    opened_as: Arc<Mutex<Option<ClientName>>>,
}

impl Client {
    async fn of(server: Server) -> Self {
        let (near, far) = tokio::io::duplex(1 << 20);
        let caller = Arc::<Mutex<Option<Caller>>>::default();
        let opened_as = Arc::<Mutex<Option<ClientName>>>::default();
        let transporting = Transporting { server, caller: Arc::clone(&caller), opened_as: Arc::clone(&opened_as) };
        tokio::spawn(async move { transporting.serve(far).await.unwrap().waiting().await });
        Self { session: ().serve(near).await.unwrap(), caller, opened_as }
    }

    fn become_(&self, toolbox: Toolbox) {
        *self.caller.lock().unwrap() = Some(Caller { toolbox });
    }

    async fn call(&self, tool: &str, arguments: Value) -> Result<Value, ServiceError> {
        let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        Ok(self.session.call_tool(request).await?.structured_content.unwrap())
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> RpcCode {
    let error = result.unwrap_err();
    let ServiceError::McpError(error) = error else { panic!("{error}") };
    error.code
}

#[tokio::test]
async fn a_request_without_its_caller_is_nobodys() {
    let house = House::new(RULES, &VALUES).await;
    let client = Client::of(Server::hosted(Ok(()))).await;
    assert_eq!(code(client.call("get_secret", json!({"path": "Prod/Shared/key"})).await), RpcCode::INTERNAL_ERROR);
    assert_eq!(code(client.call("list_secrets", json!({})).await), RpcCode::INTERNAL_ERROR);
    let read = client.session.read_resource(ReadResourceRequestParams::new("opward://policy/mine")).await;
    assert_eq!(code(read), RpcCode::INTERNAL_ERROR);
    let path = rmcp::model::Reference::for_resource("opward://secrets/{+path}");
    let argument = rmcp::model::ArgumentInfo::new("path", "");
    let completed = client.session.complete(CompleteRequestParams::new(path, argument)).await;
    assert_eq!(code(completed), RpcCode::INTERNAL_ERROR);
    // What's the same for everybody needs no caller.
    assert_eq!(client.session.list_all_tools().await.unwrap().len(), ToolName::ALL.len());
    assert!(house.records().iter().all(|record| record.principal == "owner"), "and nothing was recorded for anybody");
}

#[tokio::test]
async fn each_request_is_its_callers_even_on_one_session() {
    let house = House::new(RULES, &VALUES).await;
    let client = Client::of(Server::hosted(Ok(()))).await;
    for name in ["red", "blue", "red"] {
        client.become_(house.toolbox(house.session(name)));
        let listed = client.call("list_secrets", json!({})).await.unwrap().to_string();
        let mine = client.session.read_resource(ReadResourceRequestParams::new("opward://secrets")).await.unwrap();
        let rules = client.session.read_resource(ReadResourceRequestParams::new("opward://policy/mine")).await.unwrap();
        let other = if name == "red" { "lue" } else { "ed1" };
        for seen in [listed, serde_json::to_string(&mine).unwrap(), serde_json::to_string(&rules).unwrap()] {
            assert!(!seen.contains(other), "{name} saw {seen}");
        }
        for (path, may) in [("Prod/Red1/key", name == "red"), ("Prod/Blue1/key", name == "blue")] {
            let answer = client.call("get_secret", json!({"path": path})).await.unwrap();
            assert_eq!(answer["value"].is_string(), may, "{name} {path}");
        }
    }
    let asked: Vec<_> = house.records().into_iter().map(|record| record.principal).collect();
    assert!(asked.contains(&"red".to_owned()) && asked.contains(&"blue".to_owned()));
}

#[tokio::test]
async fn what_depends_on_the_caller_may_not_be_kept_and_nothing_may_be_shared() {
    let house = House::new(RULES, &VALUES).await;
    let client = Client::of(Server::hosted(Ok(()))).await;
    client.become_(house.toolbox(house.session("red")));
    for uri in ["opward://secrets", "opward://policy/mine", "opward://secrets/Prod/Red1"] {
        let read = client.session.read_resource(ReadResourceRequestParams::new(uri)).await.unwrap();
        assert_eq!((read.ttl_ms, read.cache_scope), (Some(0), Some(CacheScope::Private)), "{uri}");
    }
    let tools = client.session.list_tools(None).await.unwrap();
    let resources = client.session.list_resources(None).await.unwrap();
    let templates = client.session.list_resource_templates(None).await.unwrap();
    let scopes = [tools.cache_scope, resources.cache_scope, templates.cache_scope];
    assert_eq!(scopes, [(); 3].map(|()| Some(CacheScope::Private)));
}

#[tokio::test]
async fn a_cursor_of_another_principal_is_a_place_in_ones_own_list() {
    let house = House::new(RULES, &VALUES).await;
    let list = async |name: &str, arguments: Value| {
        let page = house.call(name, ToolName::ListSecrets, arguments).await.unwrap();
        let paths = page["secrets"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap().to_owned());
        (paths.collect::<Vec<_>>(), page["next_cursor"].as_str().map(str::to_owned))
    };
    let (whole, _) = list("blue", json!({})).await;
    let (first, cursor) = list("red", json!({"limit": 1})).await;
    assert_eq!(first, ["Prod/Red1"]);
    // After `Prod/Red1`, which blue may know nothing of, come the same of its own items as after a
    // path that there isn't.
    let (rest, _) = list("blue", json!({"cursor": cursor})).await;
    let expected: Vec<_> = whole.iter().filter(|path| path.as_str() > "Prod/Red1").cloned().collect();
    assert_eq!(rest, expected);
    assert_eq!(rest, ["Prod/Shared"]);
}

#[tokio::test]
async fn a_client_is_recorded_by_the_name_its_session_gave() {
    let house = House::new(RULES, &VALUES).await;
    let client = Client::of(Server::hosted(Ok(()))).await;
    client.become_(house.toolbox(house.session("red")));
    *client.opened_as.lock().unwrap() = Some(ClientName::claimed("session-client", "7"));
    client.call("list_vaults", json!({})).await.unwrap();
    let record = house.records().into_iter().rfind(|record| record.principal == "red").unwrap();
    assert_eq!(record.client, "session-client/7");
}

#[test]
fn a_request_is_answered_once_or_its_transport_is_told_otherwise() {
    let request = |method: &str, params: Value| {
        let message = json!({"method": method, "params": params});
        serde_json::from_value::<ClientRequest>(message).unwrap()
    };
    let (path, tool) = (json!({"uri": "opward://secrets"}), json!({"name": "get_secret", "arguments": {}}));
    for (method, params) in [
        ("tools/call", tool),
        ("tools/list", json!({})),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("resources/read", path.clone()),
        ("resources/subscribe", path),
        ("server/discover", json!({})),
        ("ping", json!({})),
        ("logging/setLevel", json!({"level": "info"})),
        ("prompts/list", json!({})),
    ] {
        assert!(Server::answers_once(&request(method, params)), "{method}");
    }
    for (method, params) in [("subscriptions/listen", json!({"notifications": {}})), ("x/custom", json!({}))] {
        assert!(!Server::answers_once(&request(method, params)), "{method}");
    }
}
