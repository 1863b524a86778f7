//! What the agent has to say and to do in a call, as the packs ask that apply to it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{PermitRequest, book::Book, pack::When};

/// Something to say or do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    /// Pack and prompt, `us_reg_f/mini_miranda`.
    pub id: String,
    /// What, filled in.
    pub text: String,
    /// Where it comes from.
    pub cite: String,
    /// It is due before anybody knows who is speaking, and says nothing about a debt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub before_identity: bool,
}

/// What the packs ask of the agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// What to say and do, the announcement of a recording first.
    pub prompts: Vec<Spoken>,
    /// The agent confirms who is speaking before anything about the debt is shown.
    pub identity_first: bool,
}

/// What the packs ask in a call to which `request` led. `first`: nobody has talked about the account before.
#[must_use]
pub fn asked(book: &Book, request: &PermitRequest, first: bool, at: DateTime<Utc>) -> Asked {
    let packs = book.packs_for(request, at).unwrap_or_default();
    let due = |when: When| match when {
        When::Each => true,
        When::First => first,
        When::Later => !first,
    };
    let of_packs = packs.iter().flat_map(|pack| pack.prompts.iter().map(move |prompt| (pack, prompt)));
    let mut prompts: Vec<Spoken> = of_packs
        .filter(|(_, prompt)| due(prompt.when))
        .map(|(pack, prompt)| Spoken {
            id: format!("{}/{}", pack.name, prompt.id),
            text: prompt.text.clone(),
            cite: prompt.cite.clone(),
            before_identity: prompt.before_identity,
        })
        .collect();
    // Before the first word that is recorded; the order of the others stays.
    prompts.sort_by_key(|prompt| !prompt.id.ends_with("/recording"));
    Asked { prompts, identity_first: packs.iter().any(|pack| pack.identity_first) }
}
