//! Makes the table of the time zones and places of telephone numbers from libphonenumber's data and our corrections.
//!
//! For `+1` a number is known by its area code, and has every zone of every exchange of that code: which exchange has moved
//! is what the data knows least. Other numbers are known by the code of their country. A zone that does not exist, and a
//! correction of nothing, end the build.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write as _,
    fs,
    path::Path,
};

/// Names by the digits a number begins with.
type Table = BTreeMap<String, BTreeSet<String>>;

const TIMEZONES: &str = "src/phone/libphonenumber/timezones.csv";
const PLACES: &str = "src/phone/libphonenumber/places.csv";
const CORRECTIONS: &str = "src/phone/corrections.csv";

fn main() {
    for file in [TIMEZONES, PLACES, CORRECTIONS] {
        println!("cargo::rerun-if-changed={file}");
    }
    let (mut zones, mut places) = (by_area(TIMEZONES), by_area(PLACES));
    correct(&mut zones, &mut places);
    let text = format!(
        "/// Zones by the digits a number begins with, in their order.\n\
         pub(super) static ZONES: &[(&str, &[chrono_tz::Tz])] = &[\n{}];\n\n\
         /// States and provinces by area code of `+1`, in its order.\n\
         pub(super) static PLACES: &[(&str, &[&str])] = &[\n{}];\n",
        rows(&zones, |zone| format!("chrono_tz::Tz::{}", zone.replace('/', "__").replace('-', ""))),
        rows(&places, |place| format!("{place:?}")),
    );
    let out = env::var_os("OUT_DIR").expect("cargo names it");
    fs::write(Path::new(&out).join("numbers.rs"), text).expect("the folder of the build can be written");
}

/// Lines of a table: no comments, no head.
fn lines(file: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let data = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    data.map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// A table by prefix, drawn together.
fn by_area(file: &str) -> Table {
    let mut table = Table::new();
    for line in lines(file) {
        let [prefix, names] = line.as_slice() else { panic!("{file}: {line:?}") };
        table.entry(area(prefix)).or_default().extend(names.split(' ').map(str::to_owned));
    }
    table
}

/// Area code of `+1`, else the country code (ITU-T E.164, list of assigned codes: two digits, three, or 7).
fn area(prefix: &str) -> String {
    const OF_TWO: [&str; 44] = [
        "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49",
        "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84",
        "86", "90", "91", "92", "93", "94", "95", "98",
    ];
    let length = match prefix.get(..2) {
        Some(start) if start.starts_with('1') => 4,
        Some(start) if start.starts_with('7') => 1,
        Some(start) if OF_TWO.contains(&start) => 2,
        Some(_) => 3,
        None => 1,
    };
    prefix.get(..length).unwrap_or(prefix).to_owned()
}

fn correct(zones: &mut Table, places: &mut Table) {
    let (told_zones, told_places) = (zones.clone(), places.clone());
    for line in lines(CORRECTIONS) {
        let [area, rule, value] = line.as_slice() else { panic!("{CORRECTIONS}: {line:?}") };
        match rule.as_str() {
            "in" => drop(places.insert(area.clone(), value.split(' ').map(str::to_owned).collect())),
            "over" | "as" => {
                for (table, told) in [(&mut *zones, &told_zones), (&mut *places, &told_places)] {
                    let own = told.get(area).filter(|_| rule == "over").cloned().unwrap_or_default();
                    let theirs = value.split(' ').flat_map(|code| told.get(code).cloned().unwrap_or_default());
                    table.insert(area.clone(), own.into_iter().chain(theirs).collect());
                }
                assert!(!zones[area].is_empty(), "{CORRECTIONS}: {area}: nothing is known of {value}");
            }
            _ => panic!("{CORRECTIONS}: {area}: no rule is called {rule}"),
        }
    }
}

fn rows(table: &Table, name: impl Fn(&str) -> String) -> String {
    table.iter().filter(|(_, names)| !names.is_empty()).fold(String::new(), |mut text, (area, names)| {
        let names: Vec<_> = names.iter().map(|one| name(one)).collect();
        writeln!(text, "    ({area:?}, &[{}]),", names.join(", ")).expect("memory");
        text
    })
}
