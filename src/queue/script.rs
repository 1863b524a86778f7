//! The scripts that move entries, one for each transition, and the keys they work on.

use std::sync::LazyLock;

use redis::Script;

use crate::{ids::CampaignId, tempo};

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $file:literal;)*) => {$(
        $(#[$doc])*
        pub(super) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(include_str!("lua/entry.lua"), "\n", include_str!($file)))
        });
    )*};
}

scripts! {
    /// Lends the next entries.
    CLAIM = "lua/claim.lua";
    /// Lends one account to somebody who calls it by hand.
    TAKE = "lua/take.lua";
    /// A leased account is in a call now.
    SETTLE = "lua/settle.lua";
    /// Gives a leased entry back.
    RELEASE = "lua/release.lua";
    /// Moves accounts to where Postgres says they belong.
    PLACE = "lua/place.lua";
    /// Moves entries from waiting to ready.
    PROMOTE = "lua/promote.lua";
    /// Empties the queue.
    CLEAR = "lua/clear.lua";
    /// Declares the queue complete.
    BUILT = "lua/built.lua";
}

/// What the keys of a campaign's queue begin with.
pub(super) fn prefix(campaign: CampaignId) -> String {
    tempo::queue_key(campaign, "")
}
