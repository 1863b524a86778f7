//! Which lines of a file are new, known from another file, or known with another amount. Pure.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use super::hex;
use crate::{
    cash::{statement::Line, store::lines::KnownPart},
    money::{Currency, Money},
};

/// The lines of a file that are not kept as they are.
#[derive(Debug, Default)]
pub(super) struct Sifted {
    /// By the name each is known by.
    pub new: Vec<(String, Line)>,
    /// Those of entries that are kept with another amount.
    pub corrected: Vec<Corrected>,
}

/// A line of an entry that is kept with another amount.
#[derive(Debug)]
pub(super) struct Corrected {
    /// The name that the entry is known by.
    pub name: String,
    /// What the bank says now; its part is one that is free.
    pub line: Line,
    /// What it said before.
    pub was: KnownPart,
}

impl Corrected {
    /// How far the two amounts are apart.
    pub fn by(&self, currency: Currency) -> Money {
        Money::new((self.line.minor - self.was.minor).abs(), currency)
    }

    /// What is noted with the line.
    pub fn note(&self, currency: Currency) -> String {
        let was = Money::new(self.was.minor, currency);
        format!("The bank gave {was} for this entry before. If that was booked, take it back before this is.")
    }
}

/// Leaves out what is kept. Of a name that is kept only further parts are new, and only where the kept ones say here what
/// they said. Else the bank divides the entry otherwise than before, and all of it is known, unless it comes to another
/// amount: then it was corrected.
pub(super) fn sift(lines: Vec<(String, Line)>, known: &[KnownPart]) -> Sifted {
    let here: HashMap<(&str, i32), i64> =
        lines.iter().map(|(name, line)| ((name.as_str(), line.part), line.minor)).collect();
    let divided = known.iter().filter(|part| here.get(&(part.name.as_str(), part.part)) != Some(&part.minor));
    let divided: HashSet<&str> = divided.map(|part| part.name.as_str()).collect();
    let parts: HashSet<(&str, i32)> = known.iter().map(|part| (part.name.as_str(), part.part)).collect();
    let (mut new, mut again) = (Vec::new(), HashMap::<String, Vec<Line>>::new());
    for (name, line) in lines {
        if divided.contains(name.as_str()) {
            again.entry(name).or_default().push(line);
        } else if !parts.contains(&(name.as_str(), line.part)) {
            new.push((name, line));
        }
    }
    let mut corrected: Vec<Corrected> = again
        .into_iter()
        .flat_map(|(name, lines)| {
            let of_name: Vec<&KnownPart> = known.iter().filter(|part| part.name == name).collect();
            corrections(&name, lines, of_name)
        })
        .collect();
    corrected.sort_by(|a, b| (&a.name, a.line.part).cmp(&(&b.name, b.line.part)));
    Sifted { new, corrected }
}

/// The lines of an entry that are not among its kept parts, if together they come to another amount.
fn corrections(name: &str, lines: Vec<Line>, mut kept: Vec<&KnownPart>) -> Vec<Corrected> {
    let Some(first) = kept.first().copied() else { return Vec::new() };
    let free =
        lines.iter().map(|line| line.part).chain(kept.iter().map(|part| part.part)).max().map_or(0, |last| last + 1);
    let sums = (lines.iter().map(|line| line.minor).sum::<i64>(), kept.iter().map(|part| part.minor).sum::<i64>());
    let mut other = Vec::new();
    for line in lines {
        match kept.iter().position(|part| part.minor == line.minor) {
            Some(same) => {
                kept.remove(same);
            }
            None => other.push(line),
        }
    }
    if sums.0 == sums.1 {
        return Vec::new();
    }
    let mut kept = kept.into_iter();
    (free..)
        .zip(other)
        .map(|(part, line)| {
            // One more line than there were: it has all of its amount to itself.
            let was = kept.next().cloned().unwrap_or_else(|| KnownPart { minor: 0, ..first.clone() });
            Corrected { name: name.to_owned(), line: Line { part, ..line }, was }
        })
        .collect()
}

/// Lines with the name each is known by: the bank's, or what it says. A name that comes again counts its parts on.
pub(super) fn named(lines: Vec<Line>) -> Vec<(String, Line)> {
    let mut seen: HashMap<String, i32> = HashMap::new();
    lines
        .into_iter()
        .map(|mut line| {
            let name = line.entry_ref.clone().unwrap_or_else(|| {
                let payer = line.payer_account.as_deref().or(line.payer_name.as_deref()).unwrap_or_default();
                let said = format!("{}|{}|{}|{payer}", line.booked_on, line.minor, line.reference);
                hex(&Sha256::digest(said))
            });
            let part = seen.entry(name.clone()).or_default();
            line.part = *part;
            *part += 1;
            (name, line)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(minors: &[i64]) -> Vec<(String, Line)> {
        let line = |minor: &i64| Line { entry_ref: Some("B-1".to_owned()), minor: *minor, ..Line::default() };
        named(minors.iter().map(line).collect())
    }

    fn kept(minors: &[i64]) -> Vec<KnownPart> {
        let part = |(part, minor): (i32, &i64)| KnownPart {
            name: "B-1".to_owned(),
            part,
            minor: *minor,
            account: None,
            payment: None,
        };
        (0..).zip(minors).map(part).collect()
    }

    /// Amounts that are new; amounts that are corrected, with their part and what they were.
    fn sifted(here: &[i64], before: &[i64]) -> (Vec<i64>, Vec<(i64, i32, i64)>) {
        let sifted = sift(lines(here), &kept(before));
        let new = sifted.new.iter().map(|(_, line)| line.minor).collect();
        (new, sifted.corrected.iter().map(|one| (one.line.minor, one.line.part, one.was.minor)).collect())
    }

    #[test]
    fn what_is_kept_is_known_and_further_parts_are_new() {
        assert_eq!(sifted(&[100], &[]), (vec![100], vec![]));
        assert_eq!(sifted(&[100], &[100]), (vec![], vec![]));
        assert_eq!(sifted(&[100, 50], &[100]), (vec![50], vec![]));
        assert_eq!(sifted(&[100], &[100, 50]), (vec![], vec![]), "a part of it");
    }

    #[test]
    fn an_entry_that_is_divided_otherwise_is_known() {
        assert_eq!(sifted(&[60, 40], &[100]), (vec![], vec![]));
        assert_eq!(sifted(&[50, 100], &[100, 50]), (vec![], vec![]));
    }

    #[test]
    fn another_amount_is_a_correction_once() {
        assert_eq!(sifted(&[120], &[100]), (vec![], vec![(120, 1, 100)]));
        assert_eq!(sifted(&[120], &[100, 120]), (vec![], vec![]), "it was reported");
        assert_eq!(sifted(&[100], &[100, 120]), (vec![], vec![]), "the first file again");
        assert_eq!(sifted(&[100, 70], &[100, 50]), (vec![], vec![(70, 2, 50)]), "only the part that differs");
        assert_eq!(sifted(&[90, 20], &[100]), (vec![], vec![(90, 2, 100), (20, 3, 0)]));
        assert_eq!(sifted(&[-100], &[100]), (vec![], vec![(-100, 1, 100)]));
    }
}
