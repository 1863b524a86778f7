//! Bad input to every route of the `OpenAPI` document: a problem that names the field, and an unchanged database.

use axum::http::StatusCode;
use ledgerline::{agent::Role, app::App};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::client::{Answer, Client};
use crate::scene::Scene;

/// A route of the document.
struct Route {
    path: String,
    method: String,
    described: Value,
}

#[tokio::test]
async fn every_route_refuses_bad_input_names_the_field_and_changes_nothing() {
    let scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    client.user("agent-1", Role::Agent).await;
    let document = client.get("/api/openapi.json").await.body;
    let routes = routes(&document);
    assert!(routes.len() >= 40, "{} routes", routes.len());
    let before = fingerprint(scene.app()).await;
    let mut tried = 0;
    for route in &routes {
        tried += addresses(&client, route).await;
        tried += queries(&client, route).await;
        tried += bodies(&client, route, &document).await;
        tried += manners(&client, route).await;
    }
    assert!(tried > 250, "only {tried} requests were tried");
    assert_eq!(fingerprint(scene.app()).await, before, "the database was changed");
    scene.finish().await;
}

fn routes(document: &Value) -> Vec<Route> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, methods): (&String, &Value)| -> Vec<Route> {
        let methods = methods.as_object().expect("methods").iter();
        methods
            .map(|(method, described)| Route {
                path: path.clone(),
                method: method.to_uppercase(),
                described: described.clone(),
            })
            .collect()
    };
    paths.iter().flat_map(of_path).collect()
}

impl Route {
    /// The path with ids that are well formed, and lead nowhere.
    fn address(&self) -> String {
        let id = Uuid::now_v7().to_string();
        self.path.replace("{id}", &id).replace("{reason}", "cease").replace("{set}", "no_such_set")
    }

    fn parameters(&self, place: &str) -> Vec<&Value> {
        let all = self.described["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(|parameter| parameter["in"] == place).collect()
    }

    /// What has to be said before a body is looked at.
    fn required_query(&self) -> &'static str {
        let required = self.parameters("query").iter().any(|parameter| parameter["name"] == "portfolio");
        if required { "?portfolio=x" } else { "" }
    }

    fn takes_json(&self) -> bool {
        let content = &self.described["requestBody"]["content"];
        content.is_null() || !content["application/json"].is_null()
    }

    fn is_open(&self) -> bool {
        ["/healthz", "/readyz", "/metrics"].contains(&self.path.as_str())
    }
}

/// Path parameters that are names, not ids.
const NAMES: [&str; 6] = ["set", "file", "report", "profile", "name", "position"];

fn expect(answer: &Answer, status: u16, field: &str, what: &str) {
    assert!(answer.is_problem(), "{what}: {} {:?}", answer.status, answer.text);
    assert_eq!(answer.status.as_u16(), status, "{what}: {:?}", answer.text);
    let named = answer.field().unwrap_or_default();
    assert!(
        named == field || named.starts_with(&format!("{field}.")) || named.starts_with(&format!("{field}[")),
        "{what}: names {named:?} and not {field:?}: {}",
        answer.text
    );
}

async fn addresses(client: &Client, route: &Route) -> usize {
    // What goes by a name of its own is not found under another one.
    let is_name = |parameter: &&Value| parameter["name"].as_str().is_some_and(|name| NAMES.contains(&name));
    let ids: Vec<&Value> = route.parameters("path").into_iter().filter(|parameter| !is_name(parameter)).collect();
    for parameter in &ids {
        let name = parameter["name"].as_str().expect("a name");
        let path = route.path.replace(&format!("{{{name}}}"), "not-one");
        let path = path.replace("{id}", &Uuid::now_v7().to_string()).replace("{reason}", "cease");
        let answer = client.authorized(&route.method, &path, Some("{}".to_owned())).await;
        expect(&answer, 422, name, &format!("{} {path}", route.method));
    }
    ids.len()
}

async fn queries(client: &Client, route: &Route) -> usize {
    let mut bad = vec![("colour", "red")];
    for parameter in route.parameters("query") {
        match parameter["name"].as_str().expect("a name") {
            "limit" => bad.extend([("limit", "0"), ("limit", "201"), ("limit", "many")]),
            "cursor" => bad.extend([("cursor", "made-up"), ("cursor", "")]),
            "name" if route.takes_json() => bad.push(("name", "x")),
            // Any text will do.
            "name" | "number" | "portfolio" | "buckets" | "department" | "mapping" | "bank_account" => {}
            other => bad.push((Box::leak(other.to_owned().into_boxed_str()), "made-up")),
        }
    }
    let of_a_name = NAMES.iter().any(|name| *name != "set" && route.path.contains(&format!("{{{name}}}")));
    if route.parameters("query").is_empty() || of_a_name {
        return 0;
    }
    for (name, value) in &bad {
        let path = format!("{}?{name}={value}", route.address());
        let answer = client.authorized(&route.method, &path, None).await;
        // Where others are required, the first that is missing is told.
        let field = if answer.body["detail"] == "is required" { answer.field().unwrap_or(name) } else { name };
        expect(&answer, 422, field, &format!("{} {path}", route.method));
    }
    bad.len()
}

async fn bodies(client: &Client, route: &Route, document: &Value) -> usize {
    let schema = &route.described["requestBody"]["content"]["application/json"]["schema"];
    if schema.is_null() {
        return 0;
    }
    let (method, path) = (route.method.as_str(), route.address() + route.required_query());
    let send = async |body: String| client.authorized(method, &path, Some(body)).await;
    let what = |body: &str| format!("{method} {path} {body:.200}");
    for (body, status, field) in [("", 400, "body"), ("{", 400, "body"), ("{} x", 400, "body"), ("[]", 422, "body")] {
        // Where fields are required, `{}` already lacks one: that is told first.
        let answer = send(body.to_owned()).await;
        if body == "{} x" {
            assert!(answer.is_problem(), "{}", what(body));
        } else {
            expect(&answer, status, field, &what(body));
        }
    }
    let properties = properties(schema, document);
    for wrong in [json!({"odd": [1]}), json!([[1]])] {
        // What a template may speak of besides is free.
        for name in properties.keys().filter(|name| *name != "facts") {
            let mut body = example(schema, document, 0);
            body[name] = wrong.clone();
            let answer = send(body.to_string()).await;
            expect(&answer, 422, name, &what(&body.to_string()));
        }
    }
    let mut unknown = example(schema, document, 0);
    unknown["colour"] = json!("red");
    expect(&send(unknown.to_string()).await, 422, "colour", &what("an unknown field"));
    let large = json!({ "colour": "x".repeat(300 * 1024) }).to_string();
    assert_eq!(send(large).await.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", what("a large body"));
    6 + 2 * properties.len()
}

async fn manners(client: &Client, route: &Route) -> usize {
    let (method, path) = (route.method.as_str(), route.address());
    let what = format!("{method} {path}");
    let other = client.authorized("TRACE", &path, None).await;
    assert!(other.is_problem() && other.status == StatusCode::METHOD_NOT_ALLOWED, "TRACE {path}: {}", other.text);
    assert!(other.header("allow").is_some_and(|allow| allow.contains(method)), "{what}");
    let lost = client.authorized(method, &format!("{path}/no/such/thing"), None).await;
    assert!(lost.is_problem() && lost.status == StatusCode::NOT_FOUND, "{what}: {}", lost.text);
    if route.is_open() {
        return 2;
    }
    if !route.described["requestBody"].is_null() && route.takes_json() {
        let path = path.clone() + route.required_query();
        let bearer = format!("Bearer {}", client.token());
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", "1"), ("content-type", "text/plain")];
        expect(&client.send(method, &path, &headers, Some("{}".to_owned())).await, 415, "content-type", &what);
    }
    if path != "/api/session" || method != "POST" {
        let stranger = client.send(method, &path, &[("content-type", "application/json")], Some("{}".to_owned())).await;
        assert!(stranger.is_problem() && stranger.status == StatusCode::UNAUTHORIZED, "{what}: {}", stranger.text);
    }
    4
}

fn resolve<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).expect("the reference leads somewhere"),
        None => schema,
    }
}

fn properties(schema: &Value, document: &Value) -> Map<String, Value> {
    resolve(schema, document)["properties"].as_object().cloned().unwrap_or_default()
}

/// A body that could be right: every required field, with a value of its type.
fn example(schema: &Value, document: &Value, depth: u32) -> Value {
    let schema = resolve(schema, document);
    if !schema["example"].is_null() {
        return schema["example"].clone();
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    if let Some(first) = schema["oneOf"].as_array().and_then(|all| all.iter().find(|one| one["type"] != "null")) {
        return example(first, document, depth + 1);
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("string"), Some("uuid")) => json!(Uuid::now_v7()),
        (Some("string"), Some("date")) => json!("2026-03-20"),
        (Some("string"), Some("date-time")) => json!("2026-03-20T10:00:00Z"),
        (Some("string"), _) => json!("x"),
        (Some("integer" | "number"), _) => json!(schema["minimum"].as_i64().unwrap_or(1)),
        (Some("boolean"), _) => json!(false),
        (Some("array"), _) => json!([]),
        _ if depth > 4 => json!({}),
        _ => {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let fields = properties(schema, document).into_iter().filter(|(name, _)| required.contains(&json!(name)));
            fields.map(|(name, part)| (name, example(&part, document, depth + 1))).collect::<Map<_, _>>().into()
        }
    }
}

/// What every table holds.
async fn fingerprint(app: &App) -> Vec<(String, Option<String>)> {
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
            .fetch_all(&app.db)
            .await
            .expect("tables");
    let mut found = Vec::new();
    for table in tables {
        let query = format!("SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t");
        let hash = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&app.db).await.expect("a hash");
        found.push((table, hash));
    }
    found
}
