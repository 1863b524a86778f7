//! Tasks: who sees them, who does them, and that none vanishes.

use axum::http::StatusCode;
use chrono::{NaiveDate, TimeDelta};
use ledgerline::{
    agent::{
        Role,
        users::{self, NewUser},
    },
    agreement,
    app::App,
    ids::UserId,
    task::{self, NewTask, Owner, Priority, Source, SourceKind, overdue},
};
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    api::client::{Client, PASSWORD},
    scene::Scene,
};

pub async fn of_department(app: &App, login: &str, department: &str) -> UserId {
    let new = NewUser {
        login: login.to_owned(),
        name: login.to_owned(),
        role: Role::Department,
        password: SecretString::from(PASSWORD),
        device: None,
        department: Some(department.to_owned()),
        team: None,
    };
    users::create(&app.db, new, app.clock.now()).await.expect("a log-in").id
}

fn due(app: &App, days: i64) -> NaiveDate {
    app.clock.business_date() + TimeDelta::days(days)
}

/// Opens a task for billing about a new account, and gives its address.
async fn for_billing(scene: &Scene, by: &Client) -> String {
    let debtor = scene.owing(1, 10_000).await;
    let body = json!({
        "account": debtor.account, "kind": "answer", "subject": "Which price was agreed?", "department": "billing",
        "due_on": due(scene.app(), 3),
    });
    let opened = by.post("/api/tasks", &body).await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.text);
    format!("/api/tasks/{}", opened.body["id"].as_str().expect("an id"))
}

fn subjects(body: &Value) -> Vec<&str> {
    body["items"].as_array().expect("a page").iter().filter_map(|task| task["subject"].as_str()).collect()
}

#[tokio::test]
async fn a_department_does_its_tasks_and_sees_nothing_of_the_floor() {
    let scene = Scene::start().await;
    let admin = Client::new(scene.app()).await;
    let caller = admin.of(admin.user("agent-1", Role::Agent).await).await;
    let billing = admin.of(of_department(scene.app(), "billing-1", "billing").await).await;
    let legal = admin.of(of_department(scene.app(), "legal-1", "legal").await).await;
    let path = for_billing(&scene, &caller).await;

    assert_eq!(billing.get("/api/session").await.body["department"], "billing");
    assert_eq!(subjects(&billing.get("/api/tasks").await.body), ["Which price was agreed?"]);
    assert_eq!(subjects(&legal.get("/api/tasks?state=any").await.body), Vec::<&str>::new());
    assert_eq!(legal.get(&path).await.status, StatusCode::FORBIDDEN);
    for floor in ["/api/accounts", "/api/campaigns", "/api/floor", "/api/calls", "/api/agents", "/api/agreements"] {
        assert_eq!(billing.get(floor).await.status, StatusCode::FORBIDDEN, "{floor}");
    }
    let read = billing.get(&path).await.body;
    assert_eq!(read["task"]["account"]["balance"]["minor"], 10_000);
    assert_eq!(read["open_items"].as_array().map(Vec::len), Some(1), "what it needs to know of the account");

    assert_eq!(billing.post(&format!("{path}/claim"), &json!(null)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(caller.post(&format!("{path}/finish"), &json!({"note": "x"})).await.status, StatusCode::FORBIDDEN);
    for (who, note) in [(&caller, "The order says 80."), (&billing, "So does our list.")] {
        let said = who.post(&format!("{path}/comments"), &json!({ "note": note })).await;
        assert_eq!(said.status, StatusCode::NO_CONTENT, "{}", said.text);
    }
    let done = billing.post(&format!("{path}/finish"), &json!({"note": "It was 80."})).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.text);
    let read = caller.get(&path).await.body;
    let story: Vec<(&str, &str)> = read["events"]
        .as_array()
        .expect("events")
        .iter()
        .map(|event| (event["what"].as_str().unwrap_or_default(), event["body"].as_str().unwrap_or_default()))
        .collect();
    let expected = [
        ("opened", ""),
        ("claimed", ""),
        ("commented", "The order says 80."),
        ("commented", "So does our list."),
        ("done", "It was 80."),
    ];
    assert_eq!(story, expected);
    assert_eq!((read["task"]["state"].as_str(), read["task"]["closed_by"].as_str()), (Some("done"), Some("billing-1")));
    assert_eq!(billing.post(&format!("{path}/claim"), &json!(null)).await.status, StatusCode::CONFLICT);
    scene.finish().await;
}

#[tokio::test]
async fn what_is_overdue_moves_up_and_never_vanishes() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    // Tokens last for a day: they are made anew as the days go by.
    let (boss, clerk) = (admin.user("admin-2", Role::Admin).await, of_department(app, "billing-1", "billing").await);
    let path = for_billing(&scene, &admin).await;
    admin.of(clerk).await.post(&format!("{path}/claim"), &json!(null)).await;

    app.clock.advance(TimeDelta::days(3));
    assert_eq!(overdue::step(app).await.expect("a step"), 0, "it is due today, not over");
    let mut way = Vec::new();
    for _ in 0..5 {
        app.clock.advance(TimeDelta::days(10));
        overdue::step(app).await.expect("a step");
        let task = admin.of(boss).await.get(&path).await.body["task"].clone();
        way.push((task["department"].as_str().unwrap_or_default().to_owned(), task["moved_up"].as_i64().unwrap_or(-1)));
        assert_eq!((task["state"].as_str(), &task["user"]), (Some("open"), &Value::Null));
    }
    let expected = [("supervision", 1), ("credit", 2), ("management", 3), ("management", 3), ("management", 3)];
    assert_eq!(way, expected.map(|(department, times)| (department.to_owned(), times)));
    let (boss, billing) = (admin.of(boss).await, admin.of(clerk).await);
    assert_eq!(subjects(&boss.get("/api/tasks?overdue=true").await.body).len(), 1, "at the top it stays in sight");
    assert_eq!(subjects(&billing.get("/api/tasks").await.body).len(), 1, "and billing sees where it went");
    assert_eq!(billing.post(&format!("{path}/claim"), &json!(null)).await.status, StatusCode::FORBIDDEN);
    scene.finish().await;
}

#[tokio::test]
async fn a_task_is_handed_on_given_back_and_opened_anew() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let caller = admin.user("agent-1", Role::Agent).await;
    let billing = admin.of(of_department(app, "billing-1", "billing").await).await;
    let path = for_billing(&scene, &admin).await;
    let to = |to: Value| {
        let mut body = json!({"note": "Ask them."});
        body.as_object_mut().expect("an object").extend(to.as_object().expect("an object").clone());
        body
    };
    for wrong in [
        json!({}),
        json!({"department": "no_such"}),
        json!({"user": Uuid::now_v7()}),
        json!({"department": "legal", "user": caller}),
    ] {
        let refused = billing.post(&format!("{path}/hand-on"), &to(wrong)).await;
        assert!(refused.is_problem() && refused.status == StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    }
    let handed = billing.post(&format!("{path}/hand-on"), &to(json!({"user": caller}))).await;
    assert_eq!(handed.status, StatusCode::NO_CONTENT, "{}", handed.text);
    let caller = admin.of(caller).await;
    assert_eq!(subjects(&caller.get("/api/tasks?mine=true").await.body).len(), 1);
    assert_eq!(caller.post(&format!("{path}/release"), &json!(null)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(subjects(&caller.get("/api/tasks?department=collections").await.body).len(), 1);
    assert_eq!(caller.post(&format!("{path}/finish"), &json!({"note": "Done."})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(caller.post(&format!("{path}/reopen"), &json!({"note": "No."})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(caller.post(&format!("{path}/reopen"), &json!({"note": "No."})).await.status, StatusCode::CONFLICT);
    scene.finish().await;
}

#[tokio::test]
async fn the_inbox_comes_in_pages_most_urgent_first_and_one_thing_opens_one_task() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let mut conn = app.db.acquire().await.expect("a connection");
    let new = |n: i64, priority, source| NewTask {
        account: None,
        kind: task::Kind::FollowUp,
        owner: Owner::Department("legal".to_owned()),
        subject: format!("{n}"),
        due_on: due(app, n),
        priority,
        source,
        by: None,
    };
    for n in [3, 1, 2] {
        task::open(&mut conn, &new(n, Priority::Normal, None), app.clock.now()).await.expect("opened");
    }
    let source = Some(Source { kind: SourceKind::Promise, id: Uuid::now_v7() });
    let first = task::open(&mut conn, &new(9, Priority::High, source), app.clock.now()).await.expect("opened");
    let again = task::open(&mut conn, &new(9, Priority::High, source), app.clock.now()).await.expect("opened");
    assert_eq!(first, again);
    let lost = NewTask { owner: Owner::Department("no_such".to_owned()), ..new(4, Priority::Low, None) };
    task::open(&mut conn, &lost, app.clock.now()).await.expect("opened");
    drop(conn);

    let mut seen = Vec::new();
    let mut address = "/api/tasks?limit=2".to_owned();
    loop {
        let page = admin.get(&address).await.body;
        seen.extend(subjects(&page).into_iter().map(str::to_owned));
        let Some(next) = page["next"].as_str() else { break };
        address = format!("/api/tasks?limit=2&cursor={next}");
    }
    assert_eq!(seen, ["9", "1", "2", "3", "4"]);
    let fallen = admin.get("/api/tasks?department=supervision").await.body;
    assert_eq!(subjects(&fallen), ["4"], "a department that is not there: supervision");
    scene.finish().await;
}

#[tokio::test]
async fn the_rules_are_changed_by_administrators_and_keep_what_is_in_use() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let supervisor = admin.of(admin.user("supervisor-1", Role::Supervisor).await).await;
    of_department(app, "legal-1", "legal").await;
    let text = admin.get("/api/agreements").await.body["text"].as_str().expect("a text").to_owned();
    assert_eq!(text, agreement::STANDARD);
    assert_eq!(supervisor.put("/api/agreements", &json!({ "text": text })).await.status, StatusCode::FORBIDDEN);

    let without_legal = text.replace("\"legal\"", "\"law\"");
    for (wrong, field) in [
        ("x", "text"),
        (&*without_legal, "department.legal"),
        (&*text.replace("default = \"us_federal\"", "default = \"atlantis\""), "calendar.default"),
    ] {
        let refused = admin.put("/api/agreements", &json!({ "text": wrong })).await;
        assert_eq!(
            (refused.status, refused.field()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some(field)),
            "{}",
            refused.text
        );
    }
    let named = text.replace("\"Sales\"", "\"Sales and service\"");
    assert_eq!(admin.put("/api/agreements", &json!({ "text": named })).await.status, StatusCode::NO_CONTENT);
    let departments = supervisor.get("/api/departments").await.body;
    assert!(
        departments["departments"].as_array().expect("a list").iter().any(|one| one["name"] == "Sales and service")
    );

    let new = |role: &str, department: Value| json!({ "login": "x", "name": "x", "role": role, "password": PASSWORD, "department": department });
    for (role, department) in [
        ("department", json!(null)),
        ("department", json!("no_such")),
        ("department", json!("collections")),
        ("agent", json!("legal")),
    ] {
        let refused = admin.post("/api/users", &new(role, department)).await;
        assert_eq!(refused.field(), Some("department"), "{}", refused.text);
    }
    scene.finish().await;
}

#[tokio::test]
async fn what_waits_for_an_approval_is_a_task_until_it_is_decided_or_withdrawn() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let caller = admin.of(admin.user("agent-1", Role::Agent).await).await;
    let boss = admin.of(admin.user("supervisor-1", Role::Supervisor).await).await;
    let debtor = scene.owing(1, 50_000).await;
    let item: Uuid = sqlx::query_scalar("SELECT id FROM instalment").fetch_one(&app.db).await.expect("an item");
    let write_off = json!({
        "account": debtor.account, "instalment": item, "kind": "write_off", "reason": "insolvent",
        "amount": { "minor": 5_000, "currency": "USD" },
    });
    let ask = async || {
        let asked = caller.post("/api/adjustments", &write_off).await;
        assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
        format!("/api/approvals/{}", asked.body["waiting"].as_str().expect("an id"))
    };
    let waiting = async || boss.get("/api/tasks?department=supervision").await.body;

    let approval = ask().await;
    let tasks = waiting().await;
    let task = &tasks["items"][0];
    assert_eq!(subjects(&tasks), ["May 50.00 USD be posted (write off)?"]);
    assert_eq!((&task["kind"], &task["source"]["kind"]), (&json!("approve"), &json!("posting")));
    assert_eq!(task["due_on"], json!(due(app, 1)), "and moves up after that day");
    let finish = format!("/api/tasks/{}/finish", task["id"].as_str().expect("an id"));
    assert_eq!(boss.post(&finish, &json!({ "note": "Yes." })).await.status, StatusCode::CONFLICT, "by the decision");
    let withdraw = format!("{approval}/withdraw");
    assert_eq!(boss.post(&withdraw, &json!(null)).await.status, StatusCode::FORBIDDEN);
    let decided = boss.post(&approval, &json!({ "approve": true, "note": "Yes." })).await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.text);
    assert_eq!(subjects(&waiting().await).len(), 0);
    assert_eq!(caller.post(&withdraw, &json!(null)).await.status, StatusCode::CONFLICT, "it is posted");

    let approval = ask().await;
    let withdraw = format!("{approval}/withdraw");
    assert_eq!(caller.post(&withdraw, &json!(null)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(subjects(&waiting().await).len(), 0);
    assert_eq!(boss.post(&approval, &json!({ "approve": true })).await.status, StatusCode::CONFLICT);
    let gone = boss.get("/api/approvals?state=withdrawn").await.body;
    assert_eq!(gone["items"].as_array().map(Vec::len), Some(1), "{gone}");
    scene.test.settle().await;
    scene.finish().await;
}
