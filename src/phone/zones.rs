//! The time zones in which a number or an address may be. A debtor is called only when it is allowed in all of them.

use std::sync::LazyLock;

use chrono_tz::Tz;

use super::{Phone, numbers};

/// A number with more zones than this says nothing about where its owner is (toll-free, mobile in a wide country).
const MOST_ZONES: usize = 4;

/// Where an account says it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place<'a> {
    /// ISO 3166-1 alpha-2.
    pub country: Option<&'a str>,
    /// State or province, ISO 3166-2 without the country (`NY`) or by its English name.
    pub region: Option<&'a str>,
    /// Postal code.
    pub postal: Option<&'a str>,
    /// The zone that the debtor stated.
    pub stated: Option<Tz>,
}

static REGIONS: LazyLock<Vec<Region>> =
    LazyLock::new(|| lines(include_str!("regions.csv")).filter_map(Region::read).collect());

struct Region {
    country: &'static str,
    code: &'static str,
    name: &'static str,
    postal: &'static str,
    zones: Vec<Tz>,
}

/// Zones of the number alone; empty where they are unknown, as of toll-free numbers.
#[must_use]
pub fn of_number(phone: &Phone) -> Vec<Tz> {
    let digits = &phone.as_str()[1..];
    let lengths = if digits.starts_with('1') { 4..=4 } else { 1..=3 };
    lengths.rev().find_map(|length| numbers::zones(digits.get(..length)?)).unwrap_or_default().to_vec()
}

/// Zones of an address; empty where it says too little (a wide country without state and postal code).
#[must_use]
pub fn of_region(country: Option<&str>, region: Option<&str>, postal: Option<&str>) -> Vec<Tz> {
    let Some(country) = country.filter(|country| !country.is_empty()) else { return Vec::new() };
    if !matches!(country, "US" | "CA") {
        let zones = of_country(country);
        return if zones.len() > MOST_ZONES { Vec::new() } else { zones };
    }
    union(regions(country, region, postal).into_iter().flat_map(|row| row.zones.clone()))
}

/// Codes of the states or provinces in which an address may lie: the one it names, and those of its postal code. Either
/// may be out of date.
pub(super) fn states(country: &str, region: Option<&str>, postal: Option<&str>) -> Vec<&'static str> {
    regions(country, region, postal).into_iter().map(|row| row.code).collect()
}

fn regions(country: &str, region: Option<&str>, postal: Option<&str>) -> Vec<&'static Region> {
    let of_its_country = || REGIONS.iter().filter(|row| row.country == country);
    let name = region.map(str::trim).filter(|name| !name.is_empty());
    let is_named = |row: &Region| {
        name.is_some_and(|name| row.code.eq_ignore_ascii_case(name) || row.name.eq_ignore_ascii_case(name))
    };
    let is_covered = |row: &Region| postal.is_some_and(|postal| row.covers(postal));
    of_its_country().filter(|row| is_named(row) || is_covered(row)).collect()
}

/// Every zone of a country that calls are made to; for the United States those of the fifty states.
#[must_use]
pub fn of_country(country: &str) -> Vec<Tz> {
    if matches!(country, "US" | "CA") {
        let states = REGIONS.iter().filter(|row| row.country == country && !TERRITORIES.contains(&row.code));
        return union(states.flat_map(|row| row.zones.clone()));
    }
    let Ok(id) = country.parse::<phonenumber::country::Id>() else { return Vec::new() };
    let code = phonenumber::metadata::DATABASE.by_id(id.as_ref()).map(|data| data.country_code().to_string());
    code.and_then(|code| numbers::zones(&code)).unwrap_or_default().to_vec()
}

/// Their numbers have area codes of their own, so nobody else need wait for their office hours.
const TERRITORIES: [&str; 5] = ["PR", "VI", "GU", "AS", "MP"];

/// Every zone in which whoever answers `phone` may be: those of the number and those of the place together. A number
/// that says nothing leaves it to the place; where that says nothing either, the whole country counts.
#[must_use]
pub fn of_point(phone: &Phone, place: Place<'_>) -> Vec<Tz> {
    let number = of_number(phone);
    let address = union(of_region(place.country, place.region, place.postal).into_iter().chain(place.stated));
    if (1..=MOST_ZONES).contains(&number.len()) {
        return union(number.into_iter().chain(address));
    }
    if !address.is_empty() {
        return address;
    }
    let country = place.country.map(str::to_owned).or_else(|| phone.country()).unwrap_or_else(|| "US".to_owned());
    let whole = of_country(&country);
    if whole.is_empty() { number } else { whole }
}

impl Region {
    fn read(line: &'static str) -> Option<Self> {
        let mut cells = line.split(',');
        let mut next = || cells.next();
        Some(Self { country: next()?, code: next()?, name: next()?, postal: next()?, zones: zones(next()?) })
    }

    /// Whether postal codes like this one lie in the region: by three digits (US) or by the first letter (Canada).
    fn covers(&self, postal: &str) -> bool {
        let postal = postal.trim().to_ascii_uppercase();
        self.postal.split(' ').filter(|range| !range.is_empty()).any(|range| {
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            postal.get(..from.len()).is_some_and(|start| (from..=to).contains(&start))
        })
    }
}

fn lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with('#')).skip(1)
}

/// Zones by their names. A test reads the tables in full, so that none is passed over here.
fn zones(list: &str) -> Vec<Tz> {
    list.split(' ').filter_map(|name| name.parse().ok()).collect()
}

fn union(zones: impl Iterator<Item = Tz>) -> Vec<Tz> {
    let mut zones: Vec<Tz> = zones.collect();
    zones.sort_by_key(|zone| zone.name());
    zones.dedup();
    zones
}

#[cfg(test)]
mod tests;
