//! One type for each kind of id, so that an account's id cannot be passed for a call's.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id; ids made later sort later (UUID version 7).
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// A log-in: caller, supervisor or administrator. An agent is the user at work.
    UserId;
    /// A debtor in one currency.
    AccountId;
    /// A natural person; may stand behind several accounts.
    PersonId;
    /// A person's role at an account.
    ContactId;
    /// A phone, email or postal address of a contact.
    ContactPointId;
    /// An invoice.
    InvoiceId;
    /// A part of an invoice with its own due date; with something left to pay it is an open item.
    InstalmentId;
    /// Money received.
    PaymentId;
    /// A credit that is applied to items.
    CreditNoteId;
    /// A change of one item that is neither invoice, payment nor credit note.
    AdjustmentId;
    /// Money paid back.
    RefundId;
    /// A posting that waits for another person's approval.
    ApprovalId;
    /// Proposals for a batch of payments.
    CashRunId;
    /// A bank statement.
    StatementId;
    /// A line of a bank statement.
    BankLineId;
    /// A difference between what came and what was expected.
    DifferenceId;
    /// A promise to pay.
    PromiseId;
    /// An instalment plan or a settlement.
    PlanId;
    /// A dispute.
    DisputeId;
    /// A call to be made at an agreed time.
    CallbackId;
    /// A note on an account.
    NoteId;
    /// An account that is with somebody higher up.
    EscalationId;
    /// Something that somebody in the house has to do.
    TaskId;
    /// A letter or mail.
    MessageId;
    /// A campaign.
    CampaignId;
    /// One attempt on one contact point; also the attempt id in every callback address.
    CallId;
    /// The verdict of the last look before a dial.
    DecisionId;
    /// The exclusive right of one dial attempt to an account.
    LeaseId;
    /// A close of a month or a year.
    CloseId;
    /// A report that is mailed by itself.
    ReportScheduleId;
    /// An address that is told what happens.
    EndpointId;
    /// Something told to one address.
    DeliveryId;
}
