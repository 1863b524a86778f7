//! Letters: filled in, mailed to a real mail server, bounced, opted out of.

mod mail_server;

use ledgerline::{
    account::{self, HoldReason, NewHold, NewPoint, PointKind},
    app::App,
    error::Error,
    ids::{ContactPointId, MessageId},
    message::{self, Attachment, NewMessage, Notice, Purpose, State, bounce, library, opt_out, store},
};
use serde_json::json;

pub use self::mail_server::MailServer;
use crate::{
    agents::fixture,
    harness::TestApp,
    scene::{Debtor, Scene},
};

/// The e-mail address of a debtor; the mailbox decides what the mail server does with it.
pub async fn address(app: &App, debtor: &Debtor, mailbox: &str) -> ContactPointId {
    let mut conn = app.db.acquire().await.expect("a connection");
    let row = account::store::get(&mut conn, debtor.account).await.expect("the account");
    let contact = account::store::contacts(&mut conn, debtor.account).await.expect("contacts")[0].id;
    let point =
        NewPoint { kind: PointKind::Email, value: format!("{mailbox}@debtor.example"), label: "work".to_owned() };
    account::store::add_point(&mut conn, &row, contact, &point, app.clock.now()).await.expect("an address")
}

fn letter(debtor: &Debtor, point: ContactPointId, app: &App) -> NewMessage {
    NewMessage {
        account: debtor.account,
        contact_point: point,
        purpose: Purpose::Letter,
        template: "letter".to_owned(),
        facts: json!({ "text": "Grüße from the desk." }).as_object().cloned().expect("an object"),
        attachments: Vec::new(),
        today: app.clock.business_date(),
        by: None,
    }
}

async fn send(app: &App, new: &NewMessage) -> Result<MessageId, Error> {
    let mut tx = app.db.begin().await.expect("a transaction");
    let id = message::send(&mut tx, new, app.clock.now()).await?;
    tx.commit().await.expect("committed");
    Ok(id)
}

async fn state(app: &App, id: MessageId) -> (State, Option<String>) {
    let mut conn = app.db.acquire().await.expect("a connection");
    let found = store::get(&mut conn, id).await.expect("the message");
    (found.summary.state, found.summary.reason)
}

/// A scene whose mail goes to a real server, with a debtor who owes 125.00.
pub async fn with_mail(server: &MailServer) -> (Scene, Debtor) {
    let mut scene = Scene::start().await;
    let mut config = scene.app().config.clone();
    config.mail = server.settings();
    scene.test.app = scene.test.with_config(config).await;
    let debtor = scene.owing(1, 12_500).await;
    (scene, debtor)
}

#[tokio::test]
async fn a_letter_arrives_word_for_word_and_its_words_are_kept() {
    let Some(server) = MailServer::start() else { return };
    let (scene, debtor) = with_mail(&server).await;
    let app = scene.app();
    let point = address(app, &debtor, "clerk").await;
    let mut new = letter(&debtor, point, app);
    new.attachments = vec![Attachment {
        file_name: "list.csv".to_owned(),
        media_type: "text/csv".to_owned(),
        bytes: b"a,b".to_vec(),
    }];
    let id = send(app, &new).await.expect("sent");
    assert_eq!(state(app, id).await.0, State::Queued);
    scene.test.settle().await;
    assert_eq!(state(app, id).await.0, State::Sent);

    let mails = server.mails();
    let [mail] = mails.as_slice() else { panic!("{} mails", mails.len()) };
    assert_eq!(mail.header("X-From").as_deref(), Some(&*format!("bounces+{}@example.com", id.0.simple())));
    assert_eq!(mail.header("X-To").as_deref(), Some("clerk@debtor.example"));
    assert_eq!(mail.header("Message-ID").as_deref(), Some(&*format!("<{id}@example.com>")));
    assert_eq!(mail.header("Subject").as_deref(), Some("Your account 1 with Accounts Receivable"));
    assert_eq!(mail.header("Auto-Submitted").as_deref(), Some("auto-generated"));
    let page = mail.header("List-Unsubscribe").expect("a way out");
    assert!(page.contains("/opt-out/"), "{page}");
    assert_eq!(mail.header("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
    assert!(mail.0.contains("filename=\"list.csv\""), "{}", mail.0);

    let mut conn = app.db.acquire().await.unwrap();
    let kept = store::get(&mut conn, id).await.unwrap();
    assert!(kept.body.contains("Dear Person 1,") && kept.body.contains("Grüße from the desk."), "{}", kept.body);
    assert_eq!(kept.sha256.len(), 64);
    assert_eq!(kept.attachments, ["list.csv"]);
    let states: Vec<State> = kept.events.iter().map(|event| event.state).collect();
    assert_eq!(states, [State::Queued, State::Sent]);
    drop(conn);
    // Mailing it twice does no harm.
    message::deliver::carry_out(app, id).await.unwrap();
    assert_eq!(server.mails().len(), 1);
    scene.finish().await;
}

#[tokio::test]
async fn a_server_that_wants_tls_and_a_log_in_gets_both() {
    let Some(server) = MailServer::start_secure() else { return };
    let (scene, debtor) = with_mail(&server).await;
    let point = address(scene.app(), &debtor, "clerk").await;
    let id = send(scene.app(), &letter(&debtor, point, scene.app())).await.expect("sent");
    scene.test.settle().await;
    assert_eq!(state(scene.app(), id).await, (State::Sent, None));
    assert_eq!(server.mails()[0].header("X-Tls").as_deref(), Some("True"));

    // Without the authority that signed its certificate nothing is told to it.
    let mut config = scene.app().config.clone();
    config.mail.smtp_ca_file = None;
    let stranger = scene.test.with_config(config).await;
    let id = send(&stranger, &letter(&debtor, point, &stranger)).await.expect("sent");
    message::deliver::carry_out(&stranger, id).await.unwrap();
    assert_eq!(state(&stranger, id).await.0, State::Queued, "tried again later");
    assert_eq!(server.mails().len(), 1);
    sqlx::query("DELETE FROM outbox").execute(&stranger.db).await.unwrap();
    scene.finish().await;
}

#[tokio::test]
async fn what_the_server_refuses_is_bounced_failed_or_tried_again() {
    let Some(server) = MailServer::start() else { return };
    let (scene, debtor) = with_mail(&server).await;
    let app = scene.app();
    let cases = [
        ("unknown", State::Bounced, "550 5.1.1"),
        ("full", State::Failed, "552 5.2.2"),
        ("policy", State::Failed, "550 5.7.1"),
    ];
    for (mailbox, expected, reason) in cases {
        let point = address(app, &debtor, mailbox).await;
        let id = send(app, &letter(&debtor, point, app)).await.expect("sent");
        scene.test.settle().await;
        assert_eq!(state(app, id).await, (expected, Some(reason.to_owned())), "{mailbox}");
        let again = send(app, &letter(&debtor, point, app)).await;
        assert_eq!(again.is_err(), expected == State::Bounced, "{mailbox}: {again:?}");
        scene.test.settle().await;
    }
    let point = address(app, &debtor, "later").await;
    let id = send(app, &letter(&debtor, point, app)).await.expect("sent");
    scene.test.settle().await;
    assert_eq!(state(app, id).await, (State::Queued, Some("451 4.3.0".to_owned())));
    server.accept("later");
    scene.test.settle().await;
    assert_eq!(state(app, id).await.0, State::Queued, "not before its time");
    app.clock.advance(chrono::TimeDelta::seconds(61));
    scene.test.settle().await;
    assert_eq!(state(app, id).await.0, State::Sent);
    assert_eq!(server.mails().len(), 1);
    scene.finish().await;
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_tried_for_hours_and_then_given_up() {
    let Some(server) = MailServer::start() else { return };
    let (scene, debtor) = with_mail(&server).await;
    let app = scene.app();
    let point = address(app, &debtor, "clerk").await;
    drop(server);
    let id = send(app, &letter(&debtor, point, app)).await.expect("sent");
    for _ in 0..12 {
        scene.test.settle().await;
        app.clock.advance(chrono::TimeDelta::hours(4));
    }
    let (state, reason) = state(app, id).await;
    assert_eq!(state, State::Failed);
    assert_eq!(reason.as_deref(), Some("not delivered in 12 tries: the mail server cannot be reached"));
    scene.finish().await;
}

#[tokio::test]
async fn without_a_server_mail_is_off_and_said_to_be() {
    let scene = Scene::start().await;
    let debtor = scene.owing(1, 12_500).await;
    let app = scene.app();
    let point = address(app, &debtor, "clerk").await;
    let id = send(app, &letter(&debtor, point, app)).await.expect("kept");
    scene.test.settle().await;
    assert_eq!(state(app, id).await, (State::NotSent, Some("mail is off: SMTP_URL is not set".to_owned())));
    let mut conn = app.db.acquire().await.unwrap();
    message::send_again(&mut conn, id, app.clock.now()).await.expect("it may be sent again");
    assert!(matches!(message::send_again(&mut conn, id, app.clock.now()).await, Err(Error::Conflict(_))));
    drop(conn);
    scene.finish().await;
}

/// A report as a mail server elsewhere would send it.
fn report(id: MessageId, action: &str, status: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example\nTo: <bounces+{}@example.com>\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"cut\"\n\n--cut\nContent-Type: text/plain\n\n\
         Sorry.\n--cut\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n\
         Final-Recipient: rfc822; clerk@debtor.example\nAction: {action}\nStatus: {status}\n\n--cut\n\
         Content-Type: text/rfc822-headers\n\nMessage-ID: <{id}@example.com>\n\n--cut--\n",
        id.0.simple()
    )
}

#[tokio::test]
async fn what_comes_back_marks_the_message_and_the_address_once() {
    let Some(server) = MailServer::start() else { return };
    let (scene, debtor) = with_mail(&server).await;
    let app = scene.app();
    let point = address(app, &debtor, "clerk").await;
    let id = send(app, &letter(&debtor, point, app)).await.expect("sent");
    scene.test.settle().await;

    let delayed = bounce::take(app, report(id, "delayed", "4.4.1").as_bytes()).await.unwrap();
    assert_eq!((delayed.message, delayed.bounced), (Some(id), false));
    let full = bounce::take(app, report(id, "failed", "5.2.2").as_bytes()).await.unwrap();
    assert!(full.bounced && !full.address_dead, "a full mailbox is no dead one");
    assert!(send(app, &letter(&debtor, point, app)).await.is_ok());
    scene.test.settle().await;

    let other = send(app, &letter(&debtor, point, app)).await.expect("sent");
    scene.test.settle().await;
    let dead = bounce::take(app, report(other, "failed", "5.1.1").as_bytes()).await.unwrap();
    assert!(dead.bounced && dead.address_dead);
    assert_eq!(state(app, other).await, (State::Bounced, Some("bounced: 5.1.1".to_owned())));
    let again = bounce::take(app, report(other, "failed", "5.1.1").as_bytes()).await.unwrap();
    assert!(!again.bounced, "told twice");
    let refused = send(app, &letter(&debtor, point, app)).await.expect_err("the address is dead");
    assert_eq!(refused.to_string(), "not written to: the address is of no use");

    let none = bounce::take(app, report(MessageId::generate(), "failed", "5.1.1").as_bytes()).await.unwrap();
    assert_eq!(none.message, None);
    assert!(matches!(bounce::take(app, b"Subject: out of office\n\nx").await, Err(Error::Invalid { .. })));
    scene.finish().await;
}

#[tokio::test]
async fn who_opts_out_is_not_written_to_at_any_account_until_they_say_otherwise() {
    let Some(server) = MailServer::start() else { return };
    let (mut scene, debtor) = with_mail(&server).await;
    scene.test.serve();
    let app = scene.app().clone();
    let point = address(&app, &debtor, "clerk").await;
    let other = scene.owing(2, 100).await;
    let there = address(&app, &other, "Clerk").await;
    let id = send(&app, &letter(&debtor, point, &app)).await.expect("sent");
    wait_for(&app, id, State::Sent).await;
    let page = server.mails()[0].header("List-Unsubscribe").expect("a way out").trim_matches(['<', '>']).to_owned();

    // Looking changes nothing: mail programs open links by themselves.
    let http = reqwest::Client::new();
    let shown = http.get(&page).send().await.unwrap();
    assert!(shown.status().is_success() && shown.text().await.unwrap().contains("<form method=\"post\">"));
    assert!(send(&app, &letter(&other, there, &app)).await.is_ok());
    let queued = send(&app, &letter(&debtor, point, &app)).await;
    assert!(queued.is_ok());

    // RFC 8058, without a cookie.
    let one_click = http.post(&page).form(&[("List-Unsubscribe", "One-Click")]).send().await.unwrap();
    assert!(one_click.status().is_success(), "{}", one_click.status());
    for (debtor, point) in [(&debtor, point), (&other, there)] {
        let refused = send(&app, &letter(debtor, point, &app)).await.expect_err("opted out");
        assert_eq!(refused.to_string(), "not written to: the address is opted out");
    }
    assert_eq!(http.get(format!("{page}x")).send().await.unwrap().status(), 404);
    let token = page.rsplit('/').next().unwrap();
    opt_out::opt_out(&app, token).await.unwrap();
    let said: i64 = sqlx::query_scalar("SELECT count(*) FROM consent_event").fetch_one(&app.db).await.unwrap();
    assert_eq!(said, 1, "said once, however often it is pressed");

    app.clock.advance(chrono::TimeDelta::hours(1));
    let by = fixture::user(&app, "agent1", ledgerline::agent::Role::Agent).await.user;
    let asks = account::consent::NewConsent {
        contact_point: there,
        purpose: account::consent::Purpose::Messages,
        action: account::consent::Action::Granted,
        source: "asked for statements by telephone".to_owned(),
        at: None,
    };
    account::consent::record(&app, by, other.account, &asks).await.expect("recorded");
    assert!(send(&app, &letter(&debtor, point, &app)).await.is_ok(), "the same address");
    scene.finish().await;
}

async fn wait_for(app: &App, id: MessageId, expected: State) {
    for _ in 0..600 {
        if state(app, id).await.0 == expected {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the message stays {:?}", state(app, id).await);
}

#[tokio::test]
async fn an_opt_out_between_decision_and_mailing_counts() {
    let Some(server) = MailServer::start() else { return };
    let (scene, debtor) = with_mail(&server).await;
    let app = scene.app();
    let point = address(app, &debtor, "clerk").await;
    let id = send(app, &letter(&debtor, point, app)).await.expect("decided");
    let token: String =
        sqlx::query_scalar("SELECT opt_out FROM message WHERE id = $1").bind(id.0).fetch_one(&app.db).await.unwrap();
    opt_out::opt_out(app, &token).await.unwrap();
    scene.test.settle().await;
    assert_eq!(state(app, id).await, (State::NotSent, Some("not written to: the address is opted out".to_owned())));
    assert!(server.mails().is_empty());
    scene.finish().await;
}

#[tokio::test]
async fn a_hold_bars_letters_only_where_nobody_may_write() {
    let scene = Scene::start().await;
    let debtor = scene.owing(1, 12_500).await;
    let app = scene.app();
    let point = address(app, &debtor, "clerk").await;
    let hold = |reason| NewHold { reason, note: String::new(), until_at: None, call: None };
    let mut conn = app.db.acquire().await.unwrap();
    account::store::place_hold(&mut conn, debtor.account, &hold(HoldReason::Hold), None, app.clock.now())
        .await
        .unwrap();
    let mut new = letter(&debtor, point, app);
    assert!(message::preview(&mut conn, &new, app.clock.now()).await.is_ok());
    new.purpose = Purpose::Reminder;
    assert!(matches!(message::preview(&mut conn, &new, app.clock.now()).await, Err(Error::Conflict(_))));
    account::store::place_hold(&mut conn, debtor.account, &hold(HoldReason::Attorney), None, app.clock.now())
        .await
        .unwrap();
    new.purpose = Purpose::Letter;
    assert!(matches!(message::preview(&mut conn, &new, app.clock.now()).await, Err(Error::Conflict(_))));
    drop(conn);
    scene.finish().await;
}

#[tokio::test]
async fn a_changed_template_is_a_new_version_and_a_missing_key_is_named() {
    let scene = Scene::start().await;
    let debtor = scene.owing(1, 12_500).await;
    let app = scene.app();
    let point = address(app, &debtor, "clerk").await;
    let by = fixture::user(app, "boss", ledgerline::agent::Role::Supervisor).await.user;
    let mut conn = app.db.acquire().await.unwrap();
    let mut version = library::NewTemplate {
        name: "thanks".to_owned(),
        language: "en".to_owned(),
        subject: "Thanks, {{ contact.name }}".to_owned(),
        body: "You owe {{ figures.open }}.{% for item in items %} {{ item.invoice }}{% endfor %}".to_owned(),
    };
    assert_eq!(library::add(&mut conn, by, &version, app.clock.now()).await.unwrap().version, 1);
    let mut new = letter(&debtor, point, app);
    new.template = "thanks".to_owned();
    let shown = message::preview(&mut conn, &new, app.clock.now()).await.unwrap();
    assert_eq!((shown.subject.as_str(), shown.body.as_str()), ("Thanks, Person 1", "You owe 125.00 USD. R-0001\n"));

    version.body = "{{ account.numbr }}".to_owned();
    assert_eq!(library::add(&mut conn, by, &version, app.clock.now()).await.unwrap().version, 2);
    let Err(Error::Invalid { field, detail }) = message::preview(&mut conn, &new, app.clock.now()).await else {
        panic!("a missing key passed")
    };
    assert_eq!((field.as_str(), detail.as_str()), ("template.body", "line 1: there is no `account.numbr`"));
    version.body = "{% if".to_owned();
    assert!(matches!(library::add(&mut conn, by, &version, app.clock.now()).await, Err(Error::Invalid { .. })));

    // The debtor's language, where the template has it.
    version.language = "de".to_owned();
    version.body = "Offen: {{ figures.open }}".to_owned();
    library::add(&mut conn, by, &version, app.clock.now()).await.unwrap();
    account::store::set_language(&mut conn, debtor.account, Some("de-AT"), app.clock.now()).await.unwrap();
    let shown = message::preview(&mut conn, &new, app.clock.now()).await.unwrap();
    assert_eq!(shown.body, "Offen: 125.00 USD\n");
    drop(conn);
    scene.finish().await;
}

#[tokio::test]
async fn a_notice_goes_to_the_house_without_an_account() {
    let Some(server) = MailServer::start() else { return };
    let test = TestApp::start_with(crate::scene::running_clock(), |config| config.mail = server.settings()).await;
    let mut conn = test.app.db.acquire().await.unwrap();
    let mut notice = Notice {
        to: "not an address".to_owned(),
        subject: "Aging".to_owned(),
        body: "Attached.".to_owned(),
        attachments: Vec::new(),
        by: None,
    };
    let refused = message::tell(&mut conn, &notice, test.app.clock.now()).await;
    assert!(matches!(refused, Err(Error::Invalid { field, .. }) if field == "to"));
    notice.to = "management@example.com".to_owned();
    let id = message::tell(&mut conn, &notice, test.app.clock.now()).await.unwrap();
    drop(conn);
    test.settle().await;
    assert_eq!(state(&test.app, id).await.0, State::Sent);
    assert_eq!(server.mails()[0].header("List-Unsubscribe"), None, "management does not opt out");
    test.finish().await;
}
