//! Several sources at once, each as it's configured; one that's down takes nothing but its own with it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::one_password::{EVERYTHING, Far, Kind, On, clean, put, refused, seed};
use crate::support::{Client, Home, everyone, policy, put as furnish};

const SHARES: [&str; 3] = [
    "vaults = [\"Staging\"]\ntimeout = \"2s\"\n",
    "blocked_vaults = [\"productionvault2xxxxxxxxxx\"]\nrename = { Staging = \"Second staging\" }\n",
    "vaults = [\"Production\"]\nrename = { Production = \"Live\" }\n",
];

/// A local vault, two accounts through `op`, and a Connect server.
struct Several {
    home: Home,
    fars: [Far; 3],
}

impl Several {
    /// The three in 1Password with the same items, whose values say which it is.
    async fn with(shares: [&str; 3]) -> Self {
        let home = Home::new();
        home.policy(&policy(&[&everyone(&EVERYTHING)]));
        home.furnish([furnish("Home/Router/password", "value-home")]).await;
        let fars = [("one", Kind::Op), ("two", Kind::Op), ("three", Kind::Connect)].map(|(name, kind)| {
            let world = seed().to_string().replace("value-", &format!("value-{name}-"));
            Far::start(kind, &home.folder().join(name), &serde_json::from_str::<Value>(&world).unwrap())
        });
        let several = Self { home, fars };
        several.configure(shares);
        several
    }

    fn configure(&self, shares: [&str; 3]) {
        let names = ["one", "two", "three"];
        let sources = names.iter().zip(&self.fars).zip(shares).map(|((name, far), share)| {
            let tokens = ("ops_seed", "connect-writer-9d8c");
            format!("{}{share}", far.source(&self.home, name, tokens))
        });
        self.home.configure(&sources.collect::<String>());
    }

    async fn end(self, agent: Client) {
        clean(&self.home, &self.fars.iter().collect::<Vec<_>>(), [agent]).await;
    }
}

#[tokio::test]
async fn each_source_shows_what_it_is_told_to_under_the_names_it_is_told() {
    let several = Several::with(SHARES).await;
    let agent = several.home.serve("agent").await;
    let vaults = agent.call("list_vaults", json!({})).await.ok();
    let vaults: Vec<_> = vaults["vaults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|vault| (vault["name"].clone(), vault["source"].clone()))
        .collect();
    let expected = [("Home", "home"), ("Live", "three"), ("Second staging", "two"), ("Staging", "one")];
    assert_eq!(vaults, expected.map(|(vault, source)| (json!(vault), json!(source))));
    for (path, value) in [
        ("Home/Router/password", "value-home"),
        ("Staging/GitHub/password", "value-one-github-password"),
        ("second STAGING/github", "value-two-github-password"),
        ("Live/Stripe/credential", "value-three-production-credential"),
        ("op://productionvault2xxxxxxxxxx/prodstripeaaaaaaaaaaaaaaaa/credential", "value-three-production-credential"),
    ] {
        assert_eq!(agent.read(path).await, value, "{path}");
    }
    // An id that two accounts have is as ambiguous as a name would be.
    assert_eq!(refused(&agent, "stagingvault2xxxxxxxxxxxxx/GitHub/password").await, "ambiguous");
    assert_eq!(refused(&agent, "Production/Stripe/credential").await, "not_found");
    for (path, far, item, version) in [
        ("Second staging/GitHub", 1, "githubaaaaaaaaaaaaaaaaaaaa", 5),
        ("Live/Stripe", 2, "prodstripeaaaaaaaaaaaaaaaa", 8),
    ] {
        let before: Vec<_> = several.fars.iter().map(Far::items).collect();
        put(&agent, path, "value-changed").await;
        assert_eq!(agent.read(path).await, "value-changed", "{path}");
        for (number, (far_now, before)) in several.fars.iter().zip(before).enumerate() {
            let same = far_now.items() == before;
            assert_eq!(same, number != far, "{path} is written to its own source alone");
        }
        assert_eq!(several.fars[far].items()[item]["version"], version);
    }
    put(&agent, "Second staging/Made here", "value-made").await;
    assert_eq!(agent.read("Second staging/Made here").await, "value-made");
    assert_eq!(several.fars[1].items().len(), several.fars[0].items().len() + 1);
    let elsewhere = json!({ "path": "Production/Made/password", "value": "value-made" });
    agent.call("put_secret", elsewhere).await;
    assert!(several.fars.iter().all(|far| far.items().values().all(|item| item["title"] != "Made")));
    several.end(agent).await;
}

#[tokio::test]
async fn two_vaults_of_one_name_are_told_apart_by_their_sources() {
    let several =
        Several::with(["vaults = [\"Staging\"]\n", "vaults = [\"Staging\"]\n", "vaults = [\"Production\"]\n"]).await;
    let agent = several.home.serve("agent").await;
    for (tool, arguments) in [("list_secrets", json!({})), ("get_secret", json!({ "path": "Staging/GitHub/password" }))]
    {
        let answer = agent.call(tool, arguments).await;
        let told = answer.text();
        assert!(told.contains("`one`") && told.contains("`two`") && told.contains("Staging"), "{told}");
        assert!(told.contains("rename"), "{told}");
    }
    several.end(agent).await;
}

#[tokio::test]
async fn one_that_is_down_takes_only_its_own_with_it() {
    let outages = [
        (0, json!("unreachable"), Value::Null),
        (0, json!("hang"), Value::Null),
        (0, json!("revoked"), Value::Null),
        (2, Value::Null, json!("reset")),
        (2, Value::Null, json!({ "html": 502 })),
    ];
    let several = Several::with(SHARES).await;
    let (own, others) = (
        ["Staging/GitHub/password", "", "Live/Stripe/credential"],
        ["Home/Router/password", "Second staging/GitHub/password"],
    );
    for (down, op, connect) in outages {
        let far = &several.fars[down];
        far.fault(On::Any, None, &op, &connect);
        far.forget();
        let agent = several.home.serve("agent").await;
        assert_eq!(agent.read(others[0]).await, "value-home");
        assert_eq!(refused(&agent, own[down]).await, "source_unavailable", "{op} {connect}");
        assert_eq!(agent.read(others[1]).await, "value-two-github-password");
        assert!(agent.read(own[2 - down]).await.starts_with(["value-one-", "", "value-three-"][2 - down]));
        let paths = agent.paths(json!({ "limit": 200 })).await;
        assert!(paths.iter().all(|path| !path.starts_with(own[down].split('/').next().unwrap())), "{paths:?}");
        assert!(paths.len() > 5, "{paths:?}");
        // Nobody waits each time for what isn't there.
        let begin = Instant::now();
        for _ in 0..40 {
            for path in others {
                agent.read(path).await;
            }
            assert_eq!(refused(&agent, own[down]).await, "source_unavailable");
        }
        let took = begin.elapsed();
        assert!(took < Duration::from_secs(8), "{op} {connect}: {took:?}");
        assert!(far.asked() <= 12, "{op} {connect}: asked {} times", far.asked());
        far.heal();
        clean(&several.home, &[&several.fars[1]], [agent]).await;
    }
}
