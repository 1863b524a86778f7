//! Whom a policy is about: the debtor, who collects, and what for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::named::named;

/// Who owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// A natural person, for personal, family or household purposes.
    Consumer,
    /// A business whose debt a natural person owes or has guaranteed.
    NaturalGuarantor,
    /// A business.
    Business,
}

/// Who collects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Collector {
    /// The creditor, in its own name.
    #[default]
    First,
    /// An agency, or the creditor under another name.
    Third,
}

/// What a call is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Collecting an existing debt, and nothing else.
    #[default]
    Collection,
    /// Any inducement to buy makes the call a solicitation.
    Sales,
}

named!(Party { Consumer => "consumer", NaturalGuarantor => "natural_guarantor", Business => "business" });
named!(Collector { First => "first", Third => "third" });
named!(Purpose { Collection => "collection", Sales => "sales" });
