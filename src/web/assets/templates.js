// What letters say, in versions.
import { api, attempt, byId, el, fill, logOut, say, text, when, whoAmI, words } from "/assets/common.js";

const me = await whoAmI();
text(byId("me"), me.name);
byId("out").addEventListener("click", logOut);
byId("save").hidden = me.role === "agent";

function edit(version) {
  byId("name").value = version.name;
  byId("language").value = version.language;
  byId("subject").value = version.subject;
  byId("text").value = version.body;
}

async function list(chosen) {
  const { items } = await api("GET", "/api/templates");
  const names = [...new Set(items.map((one) => one.name))];
  fill(byId("which"), names.map((name) => el("option", { value: name, selected: name === chosen }, words(name))), el("option", { value: "" }, "a new one"));
}

async function show() {
  const name = byId("which").value;
  if (!name) return fill(byId("versions"));
  const { items } = await api("GET", `/api/templates/${name}`);
  edit(items[0]);
  fill(byId("versions"), items.map((version) => el("li", { class: "row" }, `${version.language}, version ${version.version}`,
    el("span", { class: "quiet small" }, `${when(version.created_at)} ${version.by ?? "came with the service"}`),
    el("button", { class: "slim", type: "button", onclick: () => edit(version) }, "Look"))));
}

byId("which").addEventListener("change", () => attempt(show));
byId("try").addEventListener("click", () => attempt(async () => {
  const found = await api("GET", `/api/accounts?number=${encodeURIComponent(byId("number").value.trim())}`);
  if (!found.items.length) throw new Error("There is no account of that number.");
  const account = found.items[0].id;
  const { contacts } = await api("GET", `/api/accounts/${account}`);
  const point = contacts.flatMap((contact) => contact.points).find((one) => one.kind === "email");
  if (!point) throw new Error("That account has no e-mail address.");
  const shown = await api("POST", "/api/templates/preview", { source: { subject: byId("subject").value, body: byId("text").value }, account, contact_point: point.id });
  fill(byId("shown"), el("b", {}, shown.subject), el("p", { class: "pre" }, shown.body));
  byId("shown").hidden = false;
}));
byId("edit").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(async () => {
    const saved = await api("POST", "/api/templates", { name: byId("name").value, language: byId("language").value, subject: byId("subject").value, body: byId("text").value });
    await list(saved.name);
    await show();
    say(`Version ${saved.version} is in use.`);
  });
});
await list("reminder_1");
await show();
