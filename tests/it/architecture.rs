//! Rules of the house that a reader of one file cannot see.

use std::{collections::BTreeSet, fs, path::Path};

use clap::CommandFactory;
use ledgerline::cli::Cli;

/// Where decisions are made: they get the world as an argument and cannot reach it.
const PURE: [&str; 73] = [
    "escalation/ladder.rs",
    "plan/judge.rs",
    "plan/schedule.rs",
    "dispute/decide.rs",
    "agreement/authority.rs",
    "business_day.rs",
    "promise/evaluate.rs",
    "task/ladder.rs",
    "allocation.rs",
    "allocation/combination.rs",
    "allocation/policy.rs",
    "allocation/reference.rs",
    "allocation/rules.rs",
    "cash/statement.rs",
    "cash/statement/bai2.rs",
    "cash/statement/camt.rs",
    "cash/statement/mapping.rs",
    "cash/statement/ofx.rs",
    "cash/statement/table.rs",
    "cash/statement/xml.rs",
    "ledger/part.rs",
    "ledger/terms.rs",
    "call/machine.rs",
    "agent/presence.rs",
    "paper.rs",
    "quickbooks/object.rs",
    "quickbooks/payment.rs",
    "queue/score.rs",
    "queue/placement.rs",
    "queue/rank.rs",
    "compliance.rs",
    "compliance/attempts.rs",
    "compliance/book.rs",
    "compliance/calendar.rs",
    "compliance/frequency.rs",
    "compliance/history.rs",
    "compliance/hours.rs",
    "compliance/pack.rs",
    "compliance/policy.rs",
    "compliance/rules.rs",
    "compliance/wish.rs",
    "credit/rule.rs",
    "credit/score.rs",
    "document/check.rs",
    "floor/reducer.rs",
    "message/dsn.rs",
    "message/permit.rs",
    "message/template.rs",
    "money.rs",
    "reminder/claim.rs",
    "reminder/ladder.rs",
    "pacing.rs",
    "pacing/baseline.rs",
    "pacing/baseline/issabel.rs",
    "pacing/baseline/vicidial.rs",
    "pacing/baseline/webitel.rs",
    "pacing/contender.rs",
    "pacing/reason.rs",
    "pacing/predictive.rs",
    "pacing/predictive/budget.rs",
    "pacing/predictive/normal.rs",
    "pacing/predictive/ring.rs",
    "pacing/predictive/risk.rs",
    "pacing/predictive/scene.rs",
    "pacing/predictive/service.rs",
    "pacing/predictive/spans.rs",
    "pacing/predictive/threshold.rs",
    "pacing/replay.rs",
    "pacing/share.rs",
    "pacing/simulation.rs",
    "pacing/simulation/course.rs",
    "pacing/simulation/figures.rs",
    "pacing/simulation/floor.rs",
];

/// How the world is reached.
const WORLD: [&str; 5] = ["sqlx", "redis", "reqwest", "axum", "tokio"];

/// Why `source` is not pure, if it is not. Comments may speak of what they like.
fn reaches_out(source: &str) -> Option<String> {
    source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .find(|code| WORLD.iter().any(|name| code.contains(&format!("{name}::"))))
        .map(|code| code.trim().to_owned())
}

#[test]
fn pure_rules_cannot_reach_the_world() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in PURE {
        let source = fs::read_to_string(sources.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let found = reaches_out(&source);
        assert_eq!(found, None, "{file} decides; it may not reach out");
    }
}

#[test]
fn reaching_out_is_noticed() {
    assert_eq!(reaches_out("use sqlx::PgPool;"), Some("use sqlx::PgPool;".to_owned()));
    assert_eq!(reaches_out("/// unlike tokio::time\nfn now() {}"), None);
}

#[test]
fn every_setting_is_documented() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/OPERATIONS.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let line = Cli::command();
    let serve = line.find_subcommand("serve").expect("the service");
    let settings = serve.get_arguments().chain(line.get_arguments()).filter_map(|setting| setting.get_env());
    let missing: Vec<_> = settings.filter(|name| !page.contains(&*format!("`{}`", name.to_string_lossy()))).collect();
    assert!(missing.is_empty(), "not in docs/OPERATIONS.md: {missing:?}");
}

/// Folders beside `src` that a source names to be compiled in. What only tests read need not be there.
fn compiled_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            compiled_in(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            let source = fs::read_to_string(&path).expect("UTF-8");
            let names = source.split("include_str!(\"").skip(1).filter_map(|rest| rest.split('"').next());
            let real = names.filter_map(|name| path.parent()?.join(name).canonicalize().ok());
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().expect("the project is there");
            let parts = real.filter_map(|file| Some(file.strip_prefix(&root).ok()?.iter().next()?.to_owned()));
            found.extend(parts.map(|part| part.to_string_lossy().into_owned()));
        }
    }
}

#[test]
fn whatever_is_compiled_in_reaches_the_image() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut needed = BTreeSet::from(["Cargo.toml", "Cargo.lock", "build.rs", ".sqlx", "migrations"].map(str::to_owned));
    compiled_in(&root.join("src"), &mut needed);
    assert!(needed.contains("policies"), "the sources were read: {needed:?}");
    let ignored = fs::read_to_string(root.join(".dockerignore")).expect("the file is there");
    let missing: Vec<_> =
        needed.iter().filter(|part| !ignored.lines().any(|line| line.strip_prefix('!') == Some(part))).collect();
    assert!(missing.is_empty(), "kept from the image by .dockerignore: {missing:?}");
}
