use proptest::prelude::*;

use super::*;

const ID: &str = "01931b7e-0000-7000-8000-000000000001";

/// A report as most servers write it; `status` and `action` of the one reader, `quoted` the part that quotes the mail.
fn report(action: &str, status: &str, quoted: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nTo: accounts@example.com\nSubject: Undelivered\n\
         MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status;\n\tboundary=\"b=1/x\"\n\n\
         Preamble.\n--b=1/x\nContent-Type: text/plain\n\nCould not be delivered.\n\n--b=1/x\n\
         Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\nArrival-Date: x\n\n\
         Final-Recipient: rfc822; Clerk@Debtor.Example\nAction: {action}\nStatus: {status}\n\
         Remote-MTA: dns; in.debtor.example\nDiagnostic-Code: smtp; 550 5.1.1 <clerk@debtor.example>: no\n such user\n\n\
         --b=1/x\n{quoted}\n--b=1/x--\n"
    )
}

fn headers_only() -> String {
    format!("Content-Type: text/rfc822-headers\n\nSubject: Reminder\nMessage-ID:\n <{ID}@example.com>\n")
}

#[test]
fn a_report_says_which_message_and_why() {
    let found = parse(report("failed", "5.1.1", &headers_only()).as_bytes()).expect("a report");
    assert_eq!(found.about, [Uuid::try_parse(ID).expect("an id")]);
    let failure = found.failure().expect("it failed");
    assert_eq!((failure.address.as_str(), failure.status.as_str()), ("clerk@debtor.example", "5.1.1"));
}

#[test]
fn lines_may_end_as_they_like_and_the_mail_may_be_quoted_whole_or_packed() {
    let whole = format!("Content-Type: message/rfc822\n\nMessage-Id: <{ID}@example.com>\nSubject: x\n\nDear\n");
    let packed = STANDARD.encode(format!("Message-ID: <{ID}@example.com>\r\n\r\n"));
    let packed = format!("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{packed}\n");
    let quoted = format!(
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\nMessage-ID: =3C{}=\n{}@x>\n",
        &ID[..9],
        &ID[9..]
    );
    for part in [headers_only(), whole, packed, quoted] {
        let text = report("failed", "5.1.1", &part);
        for raw in [text.clone(), text.replace('\n', "\r\n"), format!("From daemon today\n{text}")] {
            assert_eq!(parse(raw.as_bytes()).expect(&part).about.len(), 1, "{part}");
        }
    }
}

#[test]
fn the_return_path_tells_the_message_where_nothing_is_quoted() {
    let simple = ID.replace('-', "");
    let text = report("failed", "5.1.1", "Content-Type: text/plain\n\nnothing\n")
        .replace("To: accounts@example.com", &format!("To: <bounces+{simple}@example.com>"));
    assert_eq!(parse(text.as_bytes()).expect("a report").about, [Uuid::try_parse(ID).expect("an id")]);
    let answering =
        text.replace(&format!("+{simple}"), "").replace("Subject:", &format!("In-Reply-To: <{ID}@x>\nSubject:"));
    assert_eq!(parse(answering.as_bytes()).expect("a report").about, [Uuid::try_parse(ID).expect("an id")]);
}

#[test]
fn a_delay_is_no_failure_and_a_status_that_cannot_be_read_is_unknown() {
    let delayed = parse(report("delayed", "4.4.1", &headers_only()).as_bytes()).expect("a report");
    assert_eq!((delayed.failure(), delayed.recipients[0].action), (None, Action::Delayed));
    let odd = report("Failed", "permanent", &headers_only()).replace(" 5.1.1", "");
    let odd = parse(odd.as_bytes()).expect("a report");
    assert_eq!(odd.failure().map(|one| one.status.as_str()), Some("5.0.0"));
}

#[test]
fn only_the_code_is_taken_of_what_a_server_says() {
    assert_eq!(enhanced_code("5.1.1 <someone@example.com> unknown").as_deref(), Some("5.1.1"));
    assert_eq!(enhanced_code("smtp; 550-5.7.1 not from 10.0.0.1").as_deref(), Some("5.7.1"));
    assert_eq!(enhanced_code("someone@example.com unknown at 10.1.2.3, v7.5.1"), None);
}

/// As Exim writes it: fields in another order, a bare status, the whole mail quoted.
#[test]
fn a_bare_status_is_looked_up_in_the_words_of_the_other_server() {
    let text = |diagnostic: &str| {
        format!(
            "References: <{ID}@example.com>\nContent-Type: multipart/report; report-type=delivery-status; boundary=1795-eximdsn-20\n\n\
             --1795-eximdsn-20\nContent-type: text/plain; charset=us-ascii\n\nThis could not be delivered.\n\n--1795-eximdsn-20\n\
             Content-type: message/delivery-status\n\nReporting-MTA: dns; mx.debtor.example\n\nAction: failed\n\
             Final-Recipient: rfc822;clerk@debtor.example\nStatus: 5.0.0\n{diagnostic}\n--1795-eximdsn-20\n\
             Content-type: message/rfc822\n\nReturn-path: <x@example.com>\nMessage-ID: <{ID}@example.com>\n\nDear\n\n--1795-eximdsn-20--\n"
        )
    };
    let status = |diagnostic: &str| {
        let found = parse(text(diagnostic).as_bytes()).expect("a report");
        assert_eq!(found.about.len(), 1);
        found.failure().map(|one| one.status.clone())
    };
    assert_eq!(status("").as_deref(), Some("5.0.0"));
    assert_eq!(status("Diagnostic-Code: smtp; 550 5.7.1 refused\n").as_deref(), Some("5.7.1"));
}

#[test]
fn a_mail_that_is_no_report_is_none() {
    for text in [
        "",
        "Subject: out of office\n\nBack on Monday.\n",
        "Content-Type: multipart/report; boundary=x\n\n--x\n\n--x--",
    ] {
        assert_eq!(parse(text.as_bytes()), None, "{text:?}");
    }
}

#[test]
fn a_full_mailbox_may_be_another_tomorrow() {
    for dead in ["5.1.1", "5.1.10", "5.2.1", "5.4.4", "5.0.0"] {
        assert!(is_dead_address(dead), "{dead}");
    }
    for alive in ["5.2.2", "5.7.1", "4.1.1", "5.3.4", "5.1.8", "2.0.0", "x"] {
        assert!(!is_dead_address(alive), "{alive}");
    }
}

proptest! {
    #[test]
    fn nonsense_is_survived(raw in prop::collection::vec(any::<u8>(), 0..400), cut in 0_usize..900) {
        let _ = parse(&raw);
        let text = report("failed", "5.1.1", &headers_only());
        let mut broken = text.as_bytes()[..cut.min(text.len())].to_vec();
        broken.extend(raw);
        let _ = parse(&broken);
    }
}
