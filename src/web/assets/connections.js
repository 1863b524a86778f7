// Other systems: who is told what happens, what they answered, and the files that go back.
import { api, byId, el, fill, logOut, text, whoAmI, when, words } from "/assets/common.js";

const KINDS = ["account", "payment", "promise", "dispute", "disposition"];
const me = await whoAmI();
text(byId("me"), me.name);
byId("out").addEventListener("click", logOut);

const said = (error) => text(byId("said"), error.field ? `${error.field}: ${error.message}` : error.message);

/** Does something and shows the list anew; a refusal is shown. */
const then = (act) => async () => {
  try {
    await act();
    await list();
  } catch (error) {
    said(error);
  }
};

async function list() {
  const { items } = await api("GET", "/api/webhooks");
  fill(byId("hooks"), items.length ? items.map(line) : el("li", { class: "quiet" }, "None"));
}

function line(hook) {
  const path = `/api/webhooks/${hook.id}`;
  const [tone, state] = hook.disabled_at ? ["bad", `disabled: ${hook.disabled_why}`] : hook.failing_since ? ["warn", `failing since ${when(hook.failing_since)}`] : ["good", "works"];
  return el("li", {},
    el("b", {}, hook.url), el("span", { class: `tag ${tone}` }, state),
    el("span", { class: "quiet small" }, `${hook.kinds.map(words).join(", ")}${hook.description ? `; ${hook.description}` : ""}`),
    el("span", { class: "end" },
      el("button", { class: "slim", type: "button", onclick: () => log(hook) }, "Deliveries"),
      el("button", { class: "slim", type: "button", onclick: then(async () => shown((await api("POST", `${path}/secret`)).secret)) }, "New secret"),
      el("button", { class: "slim", type: "button", onclick: then(() => api("PUT", path, { enabled: Boolean(hook.disabled_at) })) }, hook.disabled_at ? "Enable" : "Disable"),
      el("button", { class: "slim danger", type: "button", onclick: then(() => api("DELETE", path)) }, "End")));
}

function shown(secret) {
  byId("secret").hidden = false;
  text(byId("secret"), `Keep the secret now, it is not shown again: ${secret}`);
}

async function log(hook) {
  const { items } = await api("GET", `/api/webhooks/${hook.id}/deliveries`);
  byId("log").hidden = false;
  text(byId("log-title"), `Told to ${hook.url}`);
  const again = (one) => async () => {
    await api("POST", `/api/webhook-deliveries/${one.id}/resend`).catch(said);
    await log(hook);
  };
  fill(byId("deliveries"), items.length ? items.map((one) => el("li", {},
    el("span", { class: `tag ${{ delivered: "good", failed: "bad" }[one.state] ?? "warn"}` }, one.state),
    el("b", {}, JSON.parse(one.body).type), el("span", { class: "quiet small" }, when(one.created_at)),
    el("span", { class: "small" }, one.attempts.map((a) => `${a.status ?? a.error} (${a.milliseconds} ms)`).join(", ") || "not tried yet"),
    el("details", {}, el("summary", { class: "small" }, "Body"), el("code", { class: "small pre" }, one.body)),
    el("button", { class: "slim end", type: "button", onclick: again(one) }, "Send again"))) : el("li", { class: "quiet" }, "Nothing yet"));
  byId("log-title").focus();
}

byId("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const kinds = KINDS.filter((kind) => byId(`kind-${kind}`).checked);
    const { secret } = await api("POST", "/api/webhooks", { url: byId("url").value, description: byId("description").value, kinds });
    shown(secret);
    text(byId("said"), "Added.");
    await list();
  } catch (error) {
    said(error);
  }
});

byId("export").addEventListener("submit", (event) => {
  event.preventDefault();
  location.assign(`/api/export/${byId("profile").value}?since=${byId("since").value}`);
});

byId("kinds").append(...KINDS.map((kind) => el("label", { class: "check" }, el("input", { type: "checkbox", id: `kind-${kind}`, checked: true }), words(kind))));
byId("since").value = me.now.slice(0, 8) + "01";
await list().catch(said);
