// The desk: the live connection, presence, the call, and what is on the screen. The account is drawn by pop.js, the
// disposition by wrap.js.
import { api, byId, clock, connect, el, fill, logOut, momentIn, since, span, text, timeIn, when, whoAmI, words } from "/assets/common.js";
import "/assets/byhand.js";
import { picked, showPop } from "/assets/pop.js";
import { Wrap } from "/assets/wrap.js";

const PROTOCOL = 1;
const me = await whoAmI();
const seen = { seq: null, presence: null, pop: null, call: null };
let link = null;

byId("me").textContent = me.name;
byId("out").addEventListener("click", async () => {
  link?.send({ type: "log_out" });
  await logOut();
});

const wrap = new Wrap(byId("wrap"), { me, picked, recorded });

/** Everything that depends on more than one part of what was told. */
function render() {
  const { presence, pop, call } = seen;
  const busy = Boolean(pop && presence?.call === pop.call);
  byId("work").hidden = !busy;
  byId("idle").hidden = byId("byhand").hidden = busy;
  renderPresence(presence);
  if (busy) renderCall(pop, call, presence);
  tick();
}

function renderPresence(presence) {
  if (!presence) return;
  const { state, reason, pause_next: next } = presence;
  const tone = { ready: "good", on_call: "good", reserved: "warn", wrap_up: "warn", offline: "bad" }[state] ?? "";
  byId("state").className = `tag ${tone}`;
  const name = state === "paused" ? `Paused: ${reason}` : words(state).replace(/^./, (c) => c.toUpperCase());
  text(byId("state"), next ? `${name}, then paused` : name);
  byId("ready").disabled = !["paused"].includes(state) && !next;
  byId("pause").disabled = byId("reason").disabled = ["offline"].includes(state);
  const idle = {
    ready: ["Ready for a call", "The next answered call shows its account here before you hear the voice."],
    paused: ["Paused", "Press Ready to take calls."],
    offline: ["Not at a desk", "The service has logged this desk out. Reload the page to come back."],
  }[state] ?? ["One moment", "The account is coming."];
  text(byId("idle-title"), idle[0]);
  text(byId("idle-text"), idle[1]);
}

function renderCall(pop, call, presence) {
  const state = call?.state ?? "answered";
  const preview = pop.preview && state === "planned";
  const up = ["dialing", "ringing", "answered", "held", "bridged"].includes(state);
  byId("call-state").className = `tag ${{ bridged: "good", wrapping: "warn", done: "" }[state] ?? ""}`;
  text(byId("call-state"), preview ? "Preview" : call?.outcome ? `${words(state)}: ${words(call.outcome)}` : words(state));
  byId("dial").hidden = byId("skip").hidden = !preview;
  byId("hangup").hidden = preview;
  byId("hangup").disabled = !up;
  byId("human").hidden = preview;
  byId("human").disabled = !up;
  byId("extend").hidden = presence.state !== "wrap_up";
  const note = preview ? "Look at the account, then dial or give it back."
    : presence.state === "wrap_up" ? "The call is over. Record what it led to before the time runs out."
    : up && state !== "bridged" ? "The debtor is being connected." : "";
  text(byId("call-note"), note);
  byId("wrap").hidden = preview;
}

/** Once a second: only texts change, nothing moves. */
function tick() {
  const { presence, pop, call } = seen;
  if (presence) text(byId("since"), since(presence.since));
  if (!pop) return;
  const until = presence?.until ?? call?.wrap_until;
  const left = until ? Date.parse(until) - clock.now() : null;
  const counting = presence?.state === "wrap_up" && left !== null;
  text(byId("timer"), counting ? span(left) : call?.bridged_at ? since(call.bridged_at) : "0:00");
  byId("timer").classList.toggle("late", counting && left < 10_000);
  for (const there of document.querySelectorAll("[data-zone]")) text(there, timeIn(there.dataset.zone));
}
setInterval(tick, 1000);

/** Says something to people who cannot see the screen. */
const say = (what) => { byId("said").textContent = what; };

function notice(what, bad = false) {
  byId("notice").hidden = !what;
  byId("notice").classList.toggle("bad", bad);
  text(byId("notice"), what ?? "");
}

function putPop(pop) {
  const fresh = pop?.call !== seen.pop?.call;
  seen.pop = pop;
  if (!pop) return;
  showPop(byId("pop"), pop, me, () => link.send({ type: "identity_confirmed", call: pop.call }));
  if (fresh) {
    seen.call = null;
    wrap.start(pop);
    say(`${pop.preview ? "Preview of" : "Call from"} ${pop.account?.name ?? pop.ask_for?.name ?? "an unknown number"}`);
    byId("work").hidden = false;
    byId("pop").focus({ preventScroll: true });
  } else {
    wrap.update(pop);
  }
  link.send({ type: "pop_shown", call: pop.call });
}

function putPresence(presence) {
  const before = seen.presence?.state;
  seen.presence = presence;
  if (presence.state !== before) say(words(presence.state));
  if (!presence.call) {
    seen.pop = seen.call = null;
    if (before && before !== presence.state) history();
  }
}

const heard = {
  hello: (message) => {
    text(byId("me"), message.name);
    byId("notice").hidden = true;
  },
  snapshot: (message) => {
    seen.seq = message.last_seq;
    putPresence(message.presence);
    putPop(message.pop);
    seen.call = message.call;
  },
  presence: (message) => putPresence(message.presence),
  pop: (message) => putPop(message.pop),
  call: (message) => {
    if (!seen.pop || message.call.call === seen.pop.call) seen.call = message.call;
  },
  taken_over: () => {
    link.stop();
    linkState("lost");
    byId("taken").showModal();
  },
  notice: (message) => notice(message.text),
  error: (message) => notice(message.detail, true),
  ping: () => link.send({ type: "pong" }),
};

function hear(message) {
  clock.set(message.at);
  if (message.seq) seen.seq = message.seq;
  heard[message.type]?.(message);
  if (message.type !== "ping") render();
}

function linkState(state) {
  const [tone, name] = { open: ["good", "Connected"], connecting: ["warn", "Connecting"], lost: ["bad", "Connection lost"] }[state];
  byId("link").className = `tag ${tone}`;
  text(byId("link"), name);
}

function open() {
  const greet = () => ({ type: "hello", protocol: PROTOCOL, ...(seen.seq === null ? {} : { last_seq: seen.seq }) });
  link = connect("/ws/desk", { greet, hear, state: linkState });
}

const onCall = (type) => () => seen.pop && link.send({ type, call: seen.pop.call });
const actions = {
  ready: () => link.send({ type: "ready" }),
  pause: () => link.send({ type: "pause", reason: byId("reason").value }),
  hangup: onCall("hang_up"),
  human: onCall("human_confirmed"),
  dial: onCall("preview_dial"),
  skip: onCall("preview_skip"),
  extend: () => link.send({ type: "extend_wrap_up" }),
};
for (const [id, act] of Object.entries(actions)) byId(id).addEventListener("click", act);

const KEYS = { KeyR: "ready", KeyP: "pause", KeyH: "hangup", KeyM: "human", KeyD: "dial", KeyS: "skip", KeyE: "extend", KeyI: "identity" };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey) return;
  const button = event.altKey && byId(KEYS[event.code] ?? "");
  if (button && button.offsetParent && !button.disabled) {
    event.preventDefault();
    button.click();
    return;
  }
  const typing = event.target.closest("input:not([type=checkbox]), select, textarea");
  if (!event.altKey && !typing && seen.pop && !byId("wrap").hidden && wrap.press(event.key)) event.preventDefault();
});

byId("taken").addEventListener("cancel", (event) => event.preventDefault());
byId("take").addEventListener("click", () => {
  byId("taken").close();
  seen.seq = null;
  open();
});

/** The disposition is recorded: the service frees the agent and says so over the socket. */
function recorded(answer) {
  say("Recorded");
  notice(answer.warnings.join(" ") || null);
  history();
}

async function history() {
  const start = momentIn(me.zone, `${me.business_date}T00:00`);
  const page = await api("GET", `/api/calls?agent=${me.user}&limit=20&since=${encodeURIComponent(start)}`).catch(() => null);
  if (!page) return;
  const line = (call) => el("tr", {},
    el("td", { class: "figure" }, when(call.created_at)),
    el("td", {}, call.account_name ?? "Unknown number", " ", el("span", { class: "quiet small" }, call.account_number ?? "")),
    el("td", {}, call.disposition_label ?? (call.outcome ? words(call.outcome) : words(call.state))),
    el("td", { class: "num" }, call.bridged_at && call.ended_at ? span(Date.parse(call.ended_at) - Date.parse(call.bridged_at)) : "–"));
  fill(byId("history"), page.items.map(line));
  byId("history-none").hidden = page.items.length > 0;
}

open();
history();
