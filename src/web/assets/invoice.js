// The lines of an invoice and what is enclosed with it.
import { api, attempt, decimal, el, fill, money, say, words } from "/assets/common.js";

/** Shows the invoice of an open item in `place`; `emails` are the addresses it may go to, `done` shows the account anew. */
export async function showInvoice(item, place, emails, done) {
  const path = `/api/invoices/${item.invoice}`;
  const { currency } = item.amount;
  const { lines, attachments } = await api("GET", path);
  const line = (one) => el("tr", {}, el("td", {}, one.description), el("td", { class: "num" }, String(one.quantity_milli / 1000)),
    el("td", { class: "num" }, decimal(one.net_minor, currency)), el("td", { class: "num" }, `${one.tax_rate_bp / 100} %`), el("td", { class: "num" }, decimal(one.tax_minor, currency)));
  const head = ["What", "Quantity", "Net", "Tax, %", "Tax"].map((name, nth) => el("th", { scope: "col", class: nth ? "num" : "" }, name));
  const total = lines.reduce((sum, one) => sum + one.net_minor + one.tax_minor, 0);
  // An address can be opened; an id in a document store is read out.
  const reference = (one) => (/^https?:\/\//.test(one.reference) ? el("a", { href: one.reference, target: "_blank", rel: "noopener noreferrer" }, one.name) : `${one.name}: ${one.reference}`);
  const form = el("form", { class: "row", onsubmit: (event) => {
    event.preventDefault();
    const { name, reference: kept } = event.target.elements;
    attempt(async () => {
      await api("POST", `${path}/attachments`, { name: name.value, reference: kept.value });
      await showInvoice(item, place, emails, done);
    }, "Enclosed.");
  } }, el("label", { class: "grow" }, "Name ", el("input", { name: "name", maxlength: "200", required: true, placeholder: "proof of delivery" })),
  el("label", { class: "grow" }, "Where it is kept: an address or its number ", el("input", { name: "reference", maxlength: "1000", required: true })), el("button", {}, "Enclose"));
  const copy = el("form", { class: "row", onsubmit: (event) => {
    event.preventDefault();
    const contact_point = event.target.elements.contact_point.value;
    attempt(async () => { await api("POST", `${path}/file`, { contact_point }); await done(); }, "A copy is on its way.");
  } }, el("label", { class: "grow" }, "To ", el("select", { name: "contact_point", required: true }, emails.map((point) => el("option", { value: point.id }, `${point.name}, ${point.value}`)))), el("button", {}, "Mail a copy"));
  const takeBack = el("form", { class: "row", onsubmit: (event) => {
    event.preventDefault();
    const { reason } = event.target.elements;
    if (!confirm(`Take invoice ${item.invoice_number} back? Nothing is owed for it any more; this cannot be undone.`)) return;
    attempt(async () => {
      const { waiting } = await api("POST", "/api/reversals", { document: { invoice: item.invoice }, reason: reason.value });
      place.hidden = true;
      await done();
      say(waiting ? "It is above your limit: it waits for the approval of another person." : "Taken back.");
    });
  } }, el("label", { class: "grow" }, "Why ", el("input", { name: "reason", maxlength: "500", required: true })), el("button", { class: "danger" }, "Take it back"));
  fill(place,
    el("h3", { tabindex: "-1" }, `Invoice ${item.invoice_number}`),
    lines.length ? el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Lines" }, el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, lines.map(line)))) : el("p", { class: "quiet small" }, "Another system issued it: its lines are not known here."),
    lines.length ? el("p", {}, "Total ", el("b", { class: "figure" }, money({ minor: total, currency })), " ", el("a", { href: `${path}/file`, target: "_blank", rel: "noopener" }, "Open the PDF")) : null,
    el("ul", { class: "plain" }, attachments.length ? attachments.map((one) => el("li", {}, reference(one), one.media_type === "application/octet-stream" ? null : el("span", { class: "quiet small" }, ` ${words(one.media_type)}`))) : el("li", { class: "quiet" }, "Nothing is enclosed.")),
    form,
    lines.length && emails.length ? copy : null,
    el("details", {}, el("summary", {}, "Take the invoice back …"), takeBack),
    el("button", { type: "button", class: "slim", onclick: () => { place.hidden = true; } }, "Close"));
  place.hidden = false;
  place.querySelector("h3").focus();
}
