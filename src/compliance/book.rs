//! All the packs in force, and which of them a call has to pass.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    PermitRequest,
    calendar::Calendar,
    pack::{self, Pack, Says},
};
use crate::{
    campaign::HoursRule,
    error::{Error, Result},
    phone::jurisdiction::may_be,
};

/// Packs that the binary carries.
const SHIPPED: [(&str, &str); 15] = [
    ("policies/house.toml", include_str!("../../policies/house.toml")),
    ("policies/house_people.toml", include_str!("../../policies/house_people.toml")),
    ("policies/us_reg_f.toml", include_str!("../../policies/us_reg_f.toml")),
    ("policies/us_solicitation.toml", include_str!("../../policies/us_solicitation.toml")),
    ("policies/us_recording.toml", include_str!("../../policies/us_recording.toml")),
    ("policies/us_ma.toml", include_str!("../../policies/us_ma.toml")),
    ("policies/us_nyc.toml", include_str!("../../policies/us_nyc.toml")),
    ("policies/us_wa_agencies.toml", include_str!("../../policies/us_wa_agencies.toml")),
    ("policies/us_fl.toml", include_str!("../../policies/us_fl.toml")),
    ("policies/us_fl_solicitation.toml", include_str!("../../policies/us_fl_solicitation.toml")),
    ("policies/us_ca.toml", include_str!("../../policies/us_ca.toml")),
    ("policies/uk_conc.toml", include_str!("../../policies/uk_conc.toml")),
    ("policies/au_rg96.toml", include_str!("../../policies/au_rg96.toml")),
    ("policies/ca_agencies.toml", include_str!("../../policies/ca_agencies.toml")),
    ("policies/in_rbi.toml", include_str!("../../policies/in_rbi.toml")),
];
const CALENDARS: (&str, &str) = ("policies/calendars.toml", include_str!("../../policies/calendars.toml"));

/// Stands for every jurisdiction.
pub(super) const ANYWHERE: &str = "*";

/// The rules in force. Two books with the same rules have the same [`Book::version`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    packs: Vec<Pack>,
    calendars: BTreeMap<String, Calendar>,
}

impl Book {
    /// The book that the binary carries.
    ///
    /// # Errors
    /// None, as long as its test passes.
    pub fn shipped() -> Result<Self> {
        Self::read(SHIPPED.into_iter().chain([CALENDARS]))
    }

    /// The book of files, name and text.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the file and the key.
    pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut book = Self { packs: Vec::new(), calendars: BTreeMap::new() };
        for (file, text) in files {
            if file.rsplit('/').next() == Some("calendars.toml") {
                book.calendars = pack::read_calendars(file, text)?;
            } else {
                book.packs.push(pack::read(file, text)?);
            }
        }
        book.packs.sort_by(|a, b| a.name.cmp(&b.name));
        book.check()?;
        Ok(book)
    }

    /// This book with `changed` packs in place of those of the same name, and besides the others: for trying a change.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the file and the key.
    pub fn with<'a>(&self, changed: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut book = self.clone();
        for (file, text) in changed {
            let pack = pack::read(file, text)?;
            book.packs.retain(|known| known.name != pack.name);
            book.packs.push(pack);
        }
        book.packs.sort_by(|a, b| a.name.cmp(&b.name));
        book.check()?;
        Ok(book)
    }

    fn check(&self) -> Result<()> {
        if !self.packs.iter().any(Pack::is_base) {
            return Err(Error::invalid("policies", "no pack has `base = true`"));
        }
        for (pack, rule) in self.packs.iter().flat_map(|pack| pack.rules.iter().map(move |rule| (pack, rule))) {
            if let Says::Holidays { calendar } = &rule.says
                && !self.calendars.contains_key(calendar)
            {
                let key = format!("{}.toml: {}.holidays", pack.name, rule.id);
                return Err(Error::invalid(key, format!("calendars.toml has no {calendar}")));
            }
        }
        Ok(())
    }

    /// SHA-256 of the rules in hex: what a receipt names.
    #[must_use]
    pub fn version(&self) -> String {
        use std::fmt::Write as _;
        let text = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// The hours of the pack that a campaign names as its policy: what binds all of its accounts alike.
    pub fn base_hours(&self, policy: &str) -> impl Iterator<Item = &Vec<HoursRule>> {
        let base = self.packs.iter().filter(move |pack| pack.is_base() && pack.name == policy);
        base.flat_map(|pack| &pack.rules).filter_map(|rule| match &rule.says {
            Says::Hours(hours) => Some(&hours.windows),
            _ => None,
        })
    }

    /// Names of the packs that a campaign may have as its policy.
    pub fn bases(&self) -> impl Iterator<Item = &str> {
        self.packs.iter().filter(|pack| pack.is_base()).map(|pack| pack.name.as_str())
    }

    /// Every pack.
    #[must_use]
    pub fn packs(&self) -> &[Pack] {
        &self.packs
    }

    /// The packs that the call has to pass at a moment, the campaign's own first; `None`: its policy is not known.
    #[must_use]
    pub fn packs_for(&self, request: &PermitRequest, at: DateTime<Utc>) -> Option<Vec<&Pack>> {
        let base = self.packs.iter().find(|pack| pack.is_base() && pack.name == request.policy)?;
        let of_the_place = self.packs.iter().filter(|pack| pack.is_for(request, at));
        Some(std::iter::once(base).chain(of_the_place).collect())
    }

    /// A calendar of holidays.
    #[must_use]
    pub fn calendar(&self, name: &str) -> Option<&Calendar> {
        self.calendars.get(name)
    }

    /// The name of the holiday on `day`; a calendar that is missing makes every day one.
    #[must_use]
    pub fn holiday(&self, calendar: &str, day: NaiveDate) -> Option<&str> {
        match self.calendars.get(calendar) {
            Some(calendar) => calendar.holiday(day),
            None => Some("no such calendar"),
        }
    }
}

/// The rules of this service, shared by all that ask.
#[derive(Clone, Debug)]
pub struct Policies {
    /// The rules.
    pub book: Arc<Book>,
    /// Their [`Book::version`].
    pub version: Arc<str>,
    /// The files they were read from, by the name of the pack; empty where there were none.
    pub sources: Arc<BTreeMap<String, String>>,
}

impl Policies {
    /// The rules of a book.
    #[must_use]
    pub fn of(book: Book) -> Self {
        let version = book.version().into();
        Self { book: Arc::new(book), version, sources: Arc::default() }
    }

    /// The rules of `directory`, or without one those that the binary carries.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the file and the key.
    pub fn load(directory: Option<&Path>) -> Result<Self> {
        let files = match directory {
            Some(directory) => files_of(directory)?,
            None => SHIPPED.into_iter().chain([CALENDARS]).map(|(file, text)| (file.into(), text.into())).collect(),
        };
        let book = Book::read(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))?;
        let stem = |file: &str| file.rsplit('/').next().unwrap_or(file).trim_end_matches(".toml").to_owned();
        let sources = files.into_iter().map(|(file, text)| (stem(&file), text)).collect();
        Ok(Self { sources: Arc::new(sources), ..Self::of(book) })
    }
}

/// Path and text of every TOML file in a directory, by path.
fn files_of(directory: &Path) -> Result<Vec<(String, String)>> {
    let unreadable = |error: std::io::Error| Error::invalid("policies", format!("{}: {error}", directory.display()));
    let mut files: Vec<(String, String)> = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push((path.display().to_string(), std::fs::read_to_string(&path).map_err(unreadable)?));
        }
    }
    files.sort();
    Ok(files)
}

impl Pack {
    /// A campaign may name it as its policy.
    #[must_use]
    pub fn is_base(&self) -> bool {
        self.applies.is_none()
    }

    /// Whether a pack of some place applies. Where the place, or the part of a country, is not known, it does: the stricter
    /// rule wins.
    fn is_for(&self, request: &PermitRequest, at: DateTime<Utc>) -> bool {
        let Some(applies) = &self.applies else { return false };
        let place = request.jurisdictions.is_empty()
            || applies.jurisdictions.contains(ANYWHERE)
            || request.jurisdictions.iter().any(|one| applies.jurisdictions.iter().any(|named| may_be(named, one)));
        let below = applies
            .debt_at_most
            .as_ref()
            .is_none_or(|limit| limit.currency != request.currency.as_str() || request.open_minor <= limit.minor);
        place
            && below
            && applies.parties.contains(&request.party)
            && applies.collectors.contains(&request.collector)
            && applies.purposes.contains(&request.purpose)
            && self.in_force(request, at)
    }

    /// Some day of the debtor's is among those in force.
    fn in_force(&self, request: &PermitRequest, at: DateTime<Utc>) -> bool {
        let holds =
            |day: NaiveDate| self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until);
        let days = request.zones.iter().map(|zone| at.with_timezone(zone).date_naive());
        days.chain(request.zones.is_empty().then(|| at.date_naive())).any(holds)
    }
}
