//! The staff API under `/api`, and everything else that is reached over HTTP. Thin: one file a resource.
//!
//! The routes are listed once, for the router and for the `OpenAPI` document alike. Who may call one is the type of its
//! handler's argument ([`auth`]); every refusal is a [`problem::Problem`].

mod accounts;
mod agents;
pub mod auth;
mod calls;
mod campaigns;
mod cash;
mod dispositions;
mod disputes;
mod do_not_call;
mod escalations;
mod export;
pub mod extract;
mod floor;
mod health;
mod invoices;
mod layers;
mod metrics;
mod openapi;
mod opt_out;
mod pacing;
pub mod page;
mod payments;
mod periods;
mod plans;
mod policy;
mod postings;
pub mod problem;
mod promises;
mod queue;
mod quickbooks;
mod reminders;
mod reports;
mod schedules;
mod session;
mod softphone;
mod store;
mod tasks;
mod templates;
mod users;
mod webhooks;

use axum::Router;

use crate::{app::App, desk, web, webhook};

/// Every route of the service: the API, the carrier's webhooks, the sockets and the pages.
pub fn router(app: App) -> Router {
    let (api, mut document) = openapi::routes().split_for_parts();
    let (uploads, of_uploads) = openapi::uploads().split_for_parts();
    document.merge(of_uploads);
    let of_the_house = api
        .merge(openapi::router(document))
        .with_state(app.clone())
        .merge(desk::router(app.clone()))
        .merge(crate::floor::router(app.clone()))
        .merge(opt_out::router(app.clone()))
        .merge(quickbooks::callback(app.clone()))
        .merge(web::router(app.clone()));
    let uploads = layers::of_uploads(uploads.with_state(app.clone()), app.clone());
    layers::around(layers::of_the_house(of_the_house, app.clone()).merge(uploads).merge(webhook::router(app)))
}
