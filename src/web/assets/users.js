// Who may log in: roles, teams, passwords.
import { api, attempt, byId, day, el, fill, logOut, text, whoAmI } from "/assets/common.js";

const me = await whoAmI();
text(byId("me"), me.name);
byId("out").addEventListener("click", logOut);
const form = byId("form").elements;
const password = byId("password").elements.password;
/** The user who is being changed, and the one who gets a password. */
let edited = null;
let forgetful = null;
let next = null;
const teams = new Set();

async function list(more = false) {
  const found = await api("GET", `/api/users?limit=100${more ? `&cursor=${encodeURIComponent(next)}` : ""}`);
  next = found.next ?? null;
  byId("more").hidden = !next;
  const lines = found.items.map(line);
  if (more) byId("users").append(...lines);
  else fill(byId("users"), lines);
  for (const { team } of found.items) if (team) teams.add(team);
  fill(byId("teams"), [...teams].sort().map((team) => el("option", { value: team })));
}

function line(user) {
  const button = (title, act, key = "") => el("button", { class: `slim ${key}`, type: "button", onclick: act, "aria-label": `${title} ${user.login}` }, title);
  return el("tr", { "data-login": user.login },
    el("th", { scope: "row" }, user.login), el("td", {}, user.name), el("td", {}, user.department ? `department ${user.department}` : user.role),
    el("td", {}, user.team ?? ""), el("td", {}, user.device ?? "in the browser"),
    el("td", {}, user.disabled_at ? el("span", { class: "tag bad" }, "disabled") : day(user.created_at.slice(0, 10))),
    el("td", {}, el("div", { class: "row" }, button("Change", () => edit(user)), button("Password", () => forgot(user)), user.disabled_at ? null : button("Token", () => program(user)),
      user.disabled_at ? button("Enable", () => then(user, "POST", "/enable", `${user.login} may log in again.`))
        : user.id === me.user ? null : button("Disable", () => disable(user), "danger"))));
}

const then = (user, method, path, done) => attempt(async () => {
  await api(method, `/api/users/${user.id}${path}`);
  await list();
}, done);

function disable(user) {
  if (confirm(`Disable ${user.login}? Its sessions end at once.`)) then(user, "DELETE", "", `${user.login} cannot log in any more.`);
}

/** The form for a user, or for a new one. */
function edit(user) {
  edited = user;
  text(byId("form-title"), user ? `Change ${user.login}` : "New user");
  text(byId("save"), user ? "Keep" : "Create");
  byId("new").hidden = !user;
  byId("password-part").hidden = form.password.disabled = Boolean(user);
  form.login.readOnly = Boolean(user);
  for (const name of ["login", "name", "team", "device"]) form[name].value = user?.[name] ?? "";
  form.password.value = "";
  form.role.value = user?.role ?? "agent";
  fit();
  if (user?.department) form.department.value = user.department;
  if (user) byId("form-title").focus();
}

function fit() {
  byId("department-part").hidden = form.role.value !== "department";
}

function forgot(user) {
  forgetful = user;
  byId("secret").hidden = !user;
  password.value = "";
  if (!user) return;
  text(byId("secret-of"), `New password of ${user.login}, at least 10 characters`);
  password.focus();
}

/** The user for whom a program is to act. */
let actsFor = null;
function program(user) {
  actsFor = user;
  byId("program").hidden = !user;
  byId("made").hidden = true;
  if (!user) return;
  text(byId("token-of"), `A program that acts as ${user.login}`);
  byId("token").elements.label.focus();
}

byId("token").addEventListener("submit", (event) => {
  event.preventDefault();
  const { label, days } = event.target.elements;
  attempt(async () => {
    const { token } = await api("POST", "/api/tokens", { user: actsFor.id, label: label.value, days: Number(days.value) });
    byId("made").hidden = false;
    text(byId("made").querySelector("code"), token);
    label.value = "";
  });
});
byId("no-token").addEventListener("click", () => program(null));
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = { name: form.name.value, role: form.role.value, team: form.team.value.trim() || null, device: form.device.value.trim() || null,
    department: form.role.value === "department" ? form.department.value : null };
  attempt(async () => {
    if (edited) await api("PUT", `/api/users/${edited.id}`, given);
    else await api("POST", "/api/users", { ...given, login: form.login.value, password: form.password.value });
    edit(null);
    await list();
  }, edited ? `${edited.login} is changed.` : `${form.login.value} may log in.`);
});
byId("password").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(async () => {
    await api("PUT", `/api/users/${forgetful.id}/password`, { password: password.value });
    forgot(null);
  }, `${forgetful.login} has a new password.`);
});
form.role.addEventListener("change", fit);
byId("new").addEventListener("click", () => edit(null));
byId("keep").addEventListener("click", () => forgot(null));
byId("more").addEventListener("click", () => attempt(() => list(true)));
await attempt(async () => {
  const [{ departments }] = await Promise.all([api("GET", "/api/departments"), list()]);
  fill(form.department, departments.filter((one) => !one.staffed_by).map((one) => el("option", { value: one.code }, one.name)));
});
