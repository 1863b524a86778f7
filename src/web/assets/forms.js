// A form that says beside itself what became of it, and marks the field that is wrong.
import { el, reasonOf, text } from "/assets/common.js";

/** Where a form says what became of it: put it into the form, after its buttons. */
export const said = () => el("p", { class: "small said", role: "status", "data-said": true, hidden: true });

/** The field of a form that the API means: by its whole name, or without what it is inside of and without its unit. */
function fieldOf(form, name) {
  const bare = name?.replace(/^(settings|rules|promise|plan|dispute|wish)\./, "");
  const flat = name?.replaceAll(".", "_").replace(/_minor$/, "");
  const last = bare?.split(".").pop();
  const names = [name, bare, flat, bare?.replace(/\[\d+\].*$/, ""), last, last?.replace(/_minor$/, "")];
  const found = names.map((one) => one && form.elements.namedItem(one)).find(Boolean);
  return found instanceof RadioNodeList ? found[0] : found;
}

/** What a field is called on the page. */
function labelOf(field) {
  const label = field.labels?.[0] ?? field.closest("fieldset")?.querySelector("legend");
  return label?.firstChild?.textContent.trim();
}

/** Says beside a field what is wrong with it: the end of a long form may be far away. */
function mark(field, message) {
  unmark(field.form);
  const note = el("span", { id: `wrong-${field.name}`, class: "wrong", "data-wrong": true }, message);
  field.after(note);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", note.id);
  field.focus();
}

function unmark(form) {
  for (const note of form.querySelectorAll("[data-wrong]")) note.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
}

function tell(form, message, bad) {
  const place = form.querySelector("[data-said]");
  place.hidden = !message;
  text(place, message ?? "");
  place.classList.toggle("wrong", bad);
}

/** Forgets what was said about a form. */
export function forget(form) {
  unmark(form);
  tell(form, "", false);
}

/** Says beside a form, and beside the field that is wrong, why something was not done. */
export function refuse(form, error) {
  const field = fieldOf(form, error.field);
  const name = field && labelOf(field);
  tell(form, name ? `${name}: ${error.message}` : reasonOf(error), true);
  if (field) mark(field, error.message);
}

/** Does something for a form, and says beside it that it is done, or why not. Its buttons are off meanwhile. */
export async function send(form, act, done) {
  const buttons = [...form.querySelectorAll("button")].filter((button) => !button.disabled);
  forget(form);
  for (const button of buttons) button.disabled = true;
  try {
    await act();
    tell(form, done, false);
  } catch (error) {
    refuse(form, error);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

/** Sends a form by its button or the Enter key. */
export const onSubmit = (form, act, done) => form.addEventListener("submit", (event) => {
  event.preventDefault();
  send(form, act, done);
});

/** A refusal of the page itself, before anything is sent. */
export function wrong(field, detail) {
  throw Object.assign(new Error(detail), { field });
}
