//! The contacts of an account, row by row: who is known already, and which numbers and addresses.

use std::collections::HashSet;

use uuid::Uuid;

use super::Rows;
use crate::{
    import::{
        record::{AccountFacts, ContactFacts, Record},
        store::accounts::{ContactRow, Known, KnownPoint, PointRow, ZonesRow},
    },
    phone::{
        Phone,
        zones::{self, Place},
    },
};

/// The contacts of an account as the rows so far have left them.
pub(super) struct Contacts<'a> {
    /// The oldest first.
    people: Vec<Reachable<'a>>,
    /// Numbers and addresses of all of them, by kind.
    points: HashSet<(&'a str, &'a str)>,
    /// What the row before said: mostly the next one says the same.
    before: Option<&'a ContactFacts>,
}

/// One who can be reached.
struct Reachable<'a> {
    contact: Uuid,
    person: Uuid,
    name: &'a str,
    role: &'a str,
    /// How many points the contact has.
    points: i16,
}

impl<'a> Contacts<'a> {
    pub(super) fn of(known: Option<&'a Known>) -> Self {
        let Some(known) = known else { return Self { people: Vec::new(), points: HashSet::new(), before: None } };
        let people = known.contacts.iter().map(|contact| Reachable {
            contact: contact.id,
            person: contact.person,
            name: &contact.name,
            role: &contact.role,
            points: contact.points,
        });
        let points = known.points.iter().map(|point| (point.kind.as_str(), point.value.as_str()));
        Self { people: people.collect(), points: points.collect(), before: None }
    }

    /// Adds to `rows` what a row says that is not known; says whether it says any such thing. A name that no contact has is
    /// a new name of the oldest one where the row is the `first` of the file about the account, and another contact where it
    /// comes later. A later row without a name of its own is about the oldest one. `believed`: where the account is.
    pub(super) fn meet(
        &mut self,
        rows: &mut Rows<'a>,
        account: Uuid,
        record: &'a Record,
        believed: &AccountFacts,
        first: bool,
    ) -> bool {
        let facts = &record.contact;
        if self.before.replace(facts).is_some_and(|before| before == facts) {
            return false;
        }
        let unnamed = !first && facts.name == record.account.name;
        let named = self.people.iter().position(|person| person.name == facts.name);
        let oldest = (first || unnamed) && !self.people.is_empty();
        let (nth, mut differs) = match named.or(oldest.then_some(0)) {
            Some(nth) => (nth, first && self.rename(rows, account, nth, facts)),
            None => (self.add(rows, account, facts), true),
        };
        let new: Vec<_> = points(facts).filter(|(kind, value, ..)| self.points.insert((*kind, *value))).collect();
        differs |= !new.is_empty();
        let person = &mut self.people[nth];
        // Those of the first row are tried before what was known, those of later rows after it.
        let from = if first { 0 } else { person.points };
        person.points += i16::try_from(new.len()).unwrap_or(i16::MAX);
        let contact = person.contact;
        rows.points.extend(new.into_iter().zip(from..).map(|((kind, value, label, phone), position)| PointRow {
            id: Uuid::now_v7(),
            contact,
            account,
            kind,
            value,
            label,
            country: phone.and_then(Phone::country),
            zones: phone.map(|phone| zones_of(phone, believed)).unwrap_or_default(),
            position,
            before_others: first,
        }));
        differs
    }

    /// Gives a contact the name and role of a row, where they differ.
    fn rename(&mut self, rows: &mut Rows<'a>, account: Uuid, nth: usize, facts: &'a ContactFacts) -> bool {
        let person = &mut self.people[nth];
        let (name, role) = (facts.name.as_str(), facts.role.as_str());
        if (person.name, person.role) == (name, role) {
            return false;
        }
        (person.name, person.role) = (name, role);
        let (id, person) = (person.contact, person.person);
        rows.renamed.push(ContactRow { id, account, person, name, role });
        true
    }

    fn add(&mut self, rows: &mut Rows<'a>, account: Uuid, facts: &'a ContactFacts) -> usize {
        let (id, person) = (Uuid::now_v7(), Uuid::now_v7());
        let (name, role) = (facts.name.as_str(), facts.role.as_str());
        rows.contacts.push(ContactRow { id, account, person, name, role });
        self.people.push(Reachable { contact: id, person, name, role, points: 0 });
        self.people.len() - 1
    }
}

/// Kind, value, label and number of the points of a row.
fn points(facts: &ContactFacts) -> impl Iterator<Item = (&'static str, &str, &str, Option<&Phone>)> {
    let phones = facts.phones.iter().map(|(phone, label)| ("phone", phone.as_str(), label.as_str(), Some(phone)));
    phones.chain(facts.email.as_deref().map(|email| ("email", email, "work", None)))
}

/// The known numbers that may be in other zones than is kept: the account is elsewhere now, or zones were worked out
/// otherwise when they were kept.
pub(super) fn moved(points: &[KnownPoint], believed: &AccountFacts) -> Vec<ZonesRow> {
    let phones = points.iter().filter(|point| point.kind == "phone");
    phones
        .filter_map(|point| {
            let zones = zones_of(&point.value.parse().ok()?, believed);
            (point.zones != zones).then_some(ZonesRow { id: point.id, zones })
        })
        .collect()
}

/// The zones that a number may be in.
fn zones_of(phone: &Phone, facts: &AccountFacts) -> Vec<&'static str> {
    let place = Place {
        country: facts.country.as_deref(),
        region: facts.region.as_deref(),
        postal: facts.postal_code.as_deref(),
        stated: facts.zone.as_deref().and_then(|zone| zone.parse().ok()),
    };
    zones::of_point(phone, place).iter().map(|zone| zone.name()).collect()
}
