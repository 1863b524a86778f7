// The dispute behind a task: what is contested, the evidence, the decision.
import { api, attempt, day, decimal, el, minorOf, money, when, words } from "/assets/common.js";

/** The dispute of a task; `done` is called after a change. */
export async function contested(task, done) {
  if (task.source?.kind !== "dispute") return null;
  const path = `/api/disputes/${task.source.id}`;
  const [full, { items: reasons }] = await Promise.all([api("GET", path), api("GET", "/api/dispute-reasons")]);
  const { dispute } = full;
  const { currency } = dispute.amount;
  const change = (act) => (event) => {
    event.preventDefault();
    attempt(async () => { await act(); await done(); });
  };
  const reason = reasons.find((one) => one.code === dispute.reason)?.name ?? words(dispute.reason);
  return el("section", { class: "stack", id: "dispute" },
    el("h2", {}, "Dispute"),
    el("p", {}, el("b", { class: "figure" }, money(dispute.amount)), ` ${reason} `, el("span", { class: "tag" }, words(dispute.status)),
      dispute.due_on ? el("span", { class: "quiet small" }, ` to be answered by ${day(dispute.due_on)}`) : null),
    el("ul", {}, full.items.map((item) => el("li", {}, `${item.invoice}${item.seq > 1 ? ` / ${item.seq}` : ""}: `,
      el("span", { class: "figure" }, `${decimal(item.amount_minor, currency)} ${currency}`),
      item.lines.length ? ` (line ${item.lines.join(", ")})` : ""))),
    dispute.answer ? el("p", { class: "pre" }, el("b", {}, "Answer: "), dispute.answer) : null,
    full.proposal ? el("p", { class: "bar" }, `Found ${words(full.proposal.ruling)}, and needs somebody who may credit it: ${full.proposal.answer}`) : null,
    evidence(full, path, change),
    full.may_decide ? decision(full, path, change) : null);
}

function evidence(full, path, change) {
  const lines = full.evidence.map((piece) => el("li", {},
    piece.bytes ? el("a", { href: `/api/evidence/${piece.id}`, download: piece.name }, piece.name) : `${piece.name}: ${piece.reference}`,
    el("span", { class: "quiet small" }, ` ${piece.by ?? ""}, ${when(piece.at)}`)));
  const file = el("input", { type: "file", "aria-label": "File" });
  const name = el("input", { name: "name", maxlength: "200", placeholder: "Order of 3 March" });
  const reference = el("input", { name: "reference", maxlength: "1000", placeholder: "https or document number" });
  const send = change(async () => {
    const chosen = file.files[0];
    if (!chosen) return api("POST", `${path}/evidence`, { name: name.value, reference: reference.value });
    const response = await fetch(`${path}/files?name=${encodeURIComponent(name.value || chosen.name)}`, {
      method: "POST", body: chosen, headers: { "content-type": chosen.type || "application/octet-stream" },
    });
    if (!response.ok) throw new Error((await response.json().catch(() => ({}))).detail ?? "The file was not taken.");
    return null;
  });
  return el("details", { open: lines.length > 0 }, el("summary", {}, `Evidence (${lines.length})`),
    el("ul", {}, lines),
    full.dispute.status === "open" ? el("form", { class: "row", onsubmit: send },
      el("label", {}, "Name ", name), el("label", {}, "Where it is ", reference), el("label", {}, "or a file, at most 250 KB ", file),
      el("button", {}, "Add")) : null);
}

function decision(full, path, change) {
  const { currency } = full.dispute.amount;
  const before = full.proposal;
  const ruling = el("select", { name: "ruling" }, ["valid", "partial", "invalid", "withdrawn"].map((one) => el("option", { value: one, selected: before?.ruling === one }, words(one))));
  const answer = el("textarea", { name: "answer", maxlength: "4000", required: true });
  answer.value = before?.answer ?? "";
  const credited = full.items.map((item) => {
    const known = before?.credited.find((one) => one.id === item.id);
    return [item, el("input", { inputmode: "decimal", autocomplete: "off", value: known ? decimal(known.amount_minor, currency) : "" })];
  });
  const parts = el("div", { class: "row", hidden: true }, credited.map(([item, input]) => el("label", {}, `Credit of ${item.invoice} (${currency}) `, input)));
  const shape = () => { parts.hidden = ruling.value !== "partial"; };
  ruling.addEventListener("change", shape);
  shape();
  const decide = change(() => {
    const body = { ruling: ruling.value, answer: answer.value };
    if (ruling.value === "partial") {
      body.credited = credited.filter(([, input]) => input.value.trim()).map(([item, input]) => ({ id: item.id, amount_minor: minorOf(input.value, currency) ?? 0 }));
    }
    return api("POST", `${path}/decision`, body);
  });
  return el("form", { class: "stack", id: "decision", onsubmit: decide },
    el("label", {}, "The debtor's claim is ", ruling), parts,
    el("label", {}, "Answer, for whoever speaks with the debtor ", answer),
    el("button", { class: "main" }, "Decide"));
}
