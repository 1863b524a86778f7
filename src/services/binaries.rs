//! Where the server programs are.
//!
//! In this order: what `PG_BIN` and `REDIS_BIN` name, the search path, the usual places of packages, and what
//! `scripts/bootstrap` has unpacked into the data directory.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};

/// Below the data directory: what `scripts/bootstrap` unpacks where no package can be installed.
const UNPACKED: &str = "bin";

/// The directory of `postgres` and `initdb`. Of several versions, the one that made the existing data (`version`, the
/// major one) is taken, else the first found.
pub(super) fn postgres(data_dir: &Path, version: Option<&str>) -> anyhow::Result<PathBuf> {
    if let Some(named) = env::var_os("PG_BIN") {
        return complete(PathBuf::from(&named))
            .with_context(|| format!("PG_BIN is {}: no postgres and initdb there", named.display()));
    }
    let found: Vec<PathBuf> = search_path()
        .chain(numbered("/usr/lib/postgresql", "bin"))
        .chain(numbered("/opt/homebrew/opt", "bin"))
        .chain(["/usr/pgsql-18/bin", "/usr/pgsql-17/bin", "/usr/local/pgsql/bin"].map(PathBuf::from))
        .chain(unpacked(data_dir).map(|directory| directory.join("postgres/bin")))
        .filter_map(complete)
        .collect();
    let fits = |directory: &&PathBuf| version.is_none_or(|wanted| major_version(directory).as_deref() == Some(wanted));
    match (found.iter().find(fits), found.first(), version) {
        (Some(fitting), ..) => Ok(fitting.clone()),
        (None, Some(_), Some(version)) => bail!(
            "the data was made by Postgres {version}, which is not installed any more; install it, \
             or move the data with pg_upgrade"
        ),
        _ => {
            bail!("no Postgres found; run scripts/bootstrap, or set DATABASE_URL, or PG_BIN to where its programs are")
        }
    }
}

/// `redis-server` or `valkey-server`.
pub(super) fn redis(data_dir: &Path) -> anyhow::Result<PathBuf> {
    const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];
    let in_directory =
        |directory: PathBuf| PROGRAMS.map(|program| directory.join(program)).into_iter().find(|at| at.is_file());
    if let Some(named) = env::var_os("REDIS_BIN") {
        let named = PathBuf::from(named);
        let program = if named.is_dir() { in_directory(named.clone()) } else { Some(named.clone()) };
        return program
            .filter(|at| at.is_file())
            .with_context(|| format!("REDIS_BIN is {}: no redis-server or valkey-server there", named.display()));
    }
    search_path()
        .chain(["/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"].map(PathBuf::from))
        .chain(unpacked(data_dir).map(|directory| directory.join("valkey")))
        .find_map(in_directory)
        .context(
            "no Redis found; run scripts/bootstrap, or set REDIS_URL, or REDIS_BIN to redis-server or valkey-server",
        )
}

/// The major version of the Postgres in `directory`, as in its `PG_VERSION` files.
fn major_version(directory: &Path) -> Option<String> {
    let output = Command::new(directory.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let number = text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    number.split(|digit: char| !digit.is_ascii_digit()).next().map(str::to_owned)
}

/// `directory`, if it holds all we need of Postgres.
fn complete(directory: PathBuf) -> Option<PathBuf> {
    ["postgres", "initdb"].iter().all(|program| directory.join(program).is_file()).then_some(directory)
}

fn search_path() -> impl Iterator<Item = PathBuf> {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>().into_iter()
}

/// `parent/*/below`, highest number first.
fn numbered(parent: &str, below: &str) -> impl Iterator<Item = PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| {
            let digits: String = entry.file_name().to_string_lossy().chars().filter(char::is_ascii_digit).collect();
            (digits.parse().unwrap_or(0), entry.path().join(below))
        })
        .collect();
    found.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    found.into_iter().map(|(_, path)| path)
}

/// Below this data directory, and below the default one of the working directory.
fn unpacked(data_dir: &Path) -> impl Iterator<Item = PathBuf> {
    let default = env::current_dir().unwrap_or_default().join(".ledgerline");
    [data_dir.join(UNPACKED), default.join(UNPACKED)].into_iter()
}
