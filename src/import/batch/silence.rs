//! What a file does not speak of stays as it is known: staff may have recorded it.

use crate::import::{
    mapping::{Field, Mapping},
    record::{AccountFacts, Record},
    store::accounts::Known,
};

/// Takes one fact over from what is known.
type Keep = fn(&mut AccountFacts, &AccountFacts);

/// The facts that a file has no column for.
#[derive(Debug)]
pub struct Silence {
    account: Vec<Keep>,
    contact_name: bool,
    contact_role: bool,
}

impl Silence {
    /// That of a file whose header the mapping was bound to.
    pub fn of(mapping: &Mapping) -> Self {
        let fields = &mapping.account;
        let facts: [(Option<&Field>, Keep); 11] = [
            (fields.name.as_ref(), |facts, known| facts.name.clone_from(&known.name)),
            (fields.kind.as_ref(), |facts, known| facts.kind.clone_from(&known.kind)),
            (fields.country.as_ref(), |facts, known| facts.country.clone_from(&known.country)),
            (fields.region.as_ref(), |facts, known| facts.region.clone_from(&known.region)),
            (fields.city.as_ref(), |facts, known| facts.city.clone_from(&known.city)),
            (fields.postal_code.as_ref(), |facts, known| facts.postal_code.clone_from(&known.postal_code)),
            (fields.address_line.as_ref(), |facts, known| facts.address_line.clone_from(&known.address_line)),
            (fields.zone.as_ref(), |facts, known| facts.zone.clone_from(&known.zone)),
            (fields.language.as_ref(), |facts, known| facts.language.clone_from(&known.language)),
            (fields.terms.as_ref(), |facts, known| facts.terms.clone_from(&known.terms)),
            (fields.owner.as_ref(), |facts, known| facts.owner.clone_from(&known.owner)),
        ];
        let silent = |field: Option<&Field>| !field.is_some_and(Field::is_there);
        Self {
            account: facts.into_iter().filter(|(field, _)| silent(*field)).map(|(_, keep)| keep).collect(),
            contact_name: silent(mapping.contact.name.as_ref()),
            contact_role: silent(mapping.contact.role.as_ref()),
        }
    }

    /// Completes a row about a known account; `first`: the row that is believed about it.
    pub(super) fn keep(&self, record: &mut Record, known: &Known, first: bool) {
        let (account, contact) = (&mut record.account, &mut record.contact);
        let unnamed = contact.name == account.name;
        for keep in &self.account {
            keep(account, &known.facts);
        }
        let oldest = known.contacts.first();
        match oldest.filter(|oldest| self.contact_name && oldest.name != known.facts.name) {
            Some(oldest) => contact.name.clone_from(&oldest.name),
            None if unnamed => contact.name.clone_from(&account.name),
            None => {}
        }
        let meant = known.contacts.iter().find(|one| one.name == contact.name).or(oldest.filter(|_| first));
        if let Some(meant) = meant.filter(|_| self.contact_role) {
            contact.role.clone_from(&meant.role);
        }
    }
}
