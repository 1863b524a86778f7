//! What the demonstration prints.

use std::{io::IsTerminal as _, path::Path};

use chrono_tz::Tz;
use url::Url;

use super::floor::{PASSWORD, Seats};
use crate::{
    call::State,
    clock::Clock,
    floor::{reducer::FloorQueue, view::FloorView},
};

/// Says what is being done.
pub(super) fn step(what: &str) {
    println!("· {what}");
}

/// Where to go and what to do there. `elsewhere`: the data directory, where it is not the one of all commands.
pub(super) fn welcome(url: &Url, seats: &Seats, clock: &Clock, elsewhere: Option<&Path>) {
    let there = elsewhere.map(|directory| format!(" --data-dir {}", directory.display())).unwrap_or_default();
    let now = clock.now().with_timezone(&clock.house_zone()).format("%A %-d %B %Y, %H:%M %Z");
    let simulated = seats.simulated.len();
    println!(
        "
  Ledgerline is calling.  {campaign}; the clock shows {now}.

    your desk    {url}desk         log in as  you         password  {PASSWORD}
    the floor    {url}floor        log in as  supervisor  password  {PASSWORD}
    the API      {url}api          log in as  admin       password  {PASSWORD}

  At the desk press Ready: the next call that is answered brings its account onto your screen. Record a promise and see
  its place in the queue change. {simulated} simulated agents work beside you; the debtors and the carrier are emulated, and
  nobody is called.
  Rests between attempts are minutes instead of hours, so that the queue of even a hundred accounts lasts for more than half an hour.
  Your own file, while this runs:  ledgerline import FILE --mapping MAPPING{there}
  Ctrl-C stops everything; the next start goes on with the next working day.
",
        campaign = seats.campaign,
    );
}

/// A line of live figures.
pub(super) fn figures(board: &FloorView, zone: Tz) {
    let now = board.at.with_timezone(&zone).format("%H:%M:%S");
    let total = &board.total;
    let of = |state: State| total.calls.get(&state).copied().unwrap_or_default();
    let lines: u64 = total.calls.iter().filter(|(state, _)| **state != State::Wrapping).map(|(_, count)| count).sum();
    let queues: Vec<&FloorQueue> = board.campaigns.iter().filter_map(|campaign| campaign.queue.as_ref()).collect();
    let ready: u64 = queues.iter().flat_map(|queue| queue.ready.values()).sum();
    let waiting: u64 = queues.iter().flat_map(|queue| queue.waiting.values()).sum();
    let held: u64 = queues.iter().flat_map(|queue| queue.held.values()).sum();
    let promised: Vec<String> = total.promised.iter().map(ToString::to_string).collect();
    println!(
        "{now}  lines {lines} (ringing {}, talking {}) · wrapping up {} | placed {} · answered {} · machines {} · \
         right party {} | promises {} {} | queue {ready} · waiting {waiting} · held out {held}",
        of(State::Ringing) + of(State::Dialing),
        of(State::Bridged),
        of(State::Wrapping),
        total.attempts,
        total.answered,
        total.machines,
        total.contacts,
        total.promises,
        promised.join(" + "),
    );
}

/// Opens the desk in a browser where there is a screen and somebody before it.
pub(super) fn open_browser(url: &Url) {
    let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    if has_screen && std::io::stdout().is_terminal() {
        // Where there is no such program, the address has been printed.
        std::process::Command::new("xdg-open").arg(format!("{url}desk")).spawn().ok();
    }
}
