//! That what a transport established about a caller is what decides, and what names a request in the log.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::json;

use super::*;
use crate::model::RequestId;

const RULES: &str = r#"
[[rule]]
id = "names"
effect = "allow"
principals = ["*"]
actions = ["list"]
paths = ["**"]

[[rule]]
id = "by-claims"
effect = "allow"
principals = ["*"]
actions = ["read"]
paths = ["Prod/Claims/**"]
when = { transport = ["http"], claims = { team = "payments", "https://idp.example/role" = "deploy" } }

[[rule]]
id = "by-address"
effect = "allow"
principals = ["*"]
actions = ["read"]
paths = ["Prod/Address/**"]
when = { source_ip = ["10.1.0.0/16", "2001:db8::/32"] }

[[rule]]
id = "not-from-there"
effect = "deny"
principals = ["*"]
actions = ["read"]
paths = ["Prod/Address/**"]
when = { source_ip = ["10.1.9.0/24"] }
"#;

const VALUES: [(&str, &str); 2] = [("Prod/Claims/key", "claimed"), ("Prod/Address/key", "addressed")];

async fn may_read(house: &House, who: Principal, path: &str) -> bool {
    let tools = house.toolbox(house.session_of(who));
    match ask(&tools, ToolName::GetSecret, json!({"path": path})).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.code, ErrorCode::Denied);
            false
        }
    }
}

#[tokio::test]
async fn a_rule_about_claims_asks_for_each_of_them_exactly() {
    let house = House::new(RULES, &VALUES).await;
    let role = "https://idp.example/role";
    for (claims, may) in [
        (vec![("team", "payments"), (role, "deploy")], true),
        (vec![("team", "payments"), (role, "deploy"), ("more", "x")], true),
        (vec![("team", "payments")], false),
        (vec![("team", "Payments"), (role, "deploy")], false),
        (vec![("team", "payments "), (role, "deploy")], false),
        (vec![("Team", "payments"), (role, "deploy")], false),
        (vec![], false),
    ] {
        assert_eq!(may_read(&house, principal("ann", None, &claims), "Prod/Claims/key").await, may, "{claims:?}");
    }
    let local =
        Principal { transport: Transport::Stdio, ..principal("ann", None, &[("team", "payments"), (role, "deploy")]) };
    assert!(!may_read(&house, local, "Prod/Claims/key").await);
}

#[tokio::test]
async fn a_rule_about_addresses_sees_the_peers_and_a_mapped_one_as_what_it_is() {
    let house = House::new(RULES, &VALUES).await;
    let v4 = |a, b, c, d| Ipv4Addr::new(a, b, c, d);
    for (address, may) in [
        (Some(IpAddr::V4(v4(10, 1, 2, 3))), true),
        (Some(IpAddr::V6(v4(10, 1, 2, 3).to_ipv6_mapped())), true),
        (Some(IpAddr::V4(v4(10, 2, 0, 1))), false),
        (Some(IpAddr::V4(v4(10, 1, 9, 1))), false),
        (Some(IpAddr::V6(v4(10, 1, 9, 1).to_ipv6_mapped())), false),
        (Some(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))), true),
        (Some(IpAddr::V6(Ipv6Addr::LOCALHOST)), false),
        (None, false),
    ] {
        assert_eq!(may_read(&house, principal("ann", address, &[]), "Prod/Address/key").await, may, "{address:?}");
    }
}

#[tokio::test]
async fn a_request_has_the_name_its_transport_gave_and_no_second_one_shares_it() {
    let house = House::new(RULES, &VALUES).await;
    let id = RequestId::new();
    let who = principal("ann", Some(IpAddr::V4(Ipv4Addr::new(10, 1, 0, 1))), &[]);
    let tools = house.toolbox(house.session_of(who).for_request(id));
    for tools in [tools.clone(), tools] {
        ask(&tools, ToolName::GetSecret, json!({"path": "Prod/Address/key"})).await.unwrap();
    }
    let records: Vec<_> = house.records().into_iter().filter(|record| record.principal == "ann").collect();
    let requests: Vec<_> = records.iter().map(|record| record.request.as_str()).collect();
    assert_eq!(requests.len(), 4);
    assert_eq!(requests[..2], [id.to_string(), id.to_string()]);
    assert_eq!(requests[2], requests[3]);
    assert_ne!(requests[1], requests[2]);
    assert!(records.iter().all(|record| record.transport == Some(Transport::Http)));
}
