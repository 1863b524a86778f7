//! Answering machine detection.

use std::{sync::Arc, time::Duration};

use super::{
    exchange::Exchange,
    leg::Detection,
    params::Params,
    people::{Behaviour, Reaction},
};

/// The verdict, and how long after the answer it comes.
pub(super) fn verdict(order: &Detection, behaviour: &Behaviour) -> (String, Duration) {
    // The end of a greeting is heard about ten seconds later than its beginning is recognised.
    let greeting = if order.message_end && behaviour.reaction == Reaction::Machine { 10 } else { 0 };
    let after = behaviour.detection + Duration::from_secs(greeting);
    if after > order.timeout {
        return ("unknown".to_owned(), order.timeout);
    }
    let verdict = match behaviour.verdict.as_str() {
        "machine_start" if order.message_end => "machine_end_beep",
        other => other,
    };
    (verdict.to_owned(), after)
}

/// Posts the verdict while the call goes on, and also when it is over by then.
pub(super) fn spawn(exchange: &Arc<Exchange>, sid: &str, order: Detection, behaviour: &Behaviour) {
    let (verdict, after) = verdict(&order, behaviour);
    let Some(target) = order.callback else { return };
    let (exchange, sid) = (Arc::clone(exchange), sid.to_owned());
    exchange.clone().tasks.spawn(async move {
        tokio::select! {
            () = exchange.stop.cancelled() => return,
            () = tokio::time::sleep(exchange.scaled(after)) => {}
        }
        let told = exchange.leg(&sid, |leg| {
            let verdict = if leg.status.is_over() { "unknown".to_owned() } else { verdict };
            leg.answered_by = Some(verdict.clone());
            (verdict, Arc::clone(&leg.posted))
        });
        let Some((verdict, posted)) = told else { return };
        let params = Params::default()
            .with("CallSid", &sid)
            .with("AccountSid", &exchange.config.account_sid)
            .with("AnsweredBy", verdict)
            .with("MachineDetectionDuration", after.as_millis());
        exchange.post("amd", target, params, posted);
    });
}
