// The receipt of a verdict about a call, and whether the rules of its day say the same again.
import { api, attempt, byId, el, fill, logOut, text, when, whoAmI, words } from "/assets/common.js";
import { findings } from "/assets/reach.js";

const me = await whoAmI();
text(byId("me"), me.name);
byId("out").addEventListener("click", logOut);

await attempt(async () => {
  const receipt = await api("GET", `/api/decisions/${encodeURIComponent(location.pathname.split("/").pop())}`);
  const { refusal, asked } = receipt;
  byId("tag").className = `tag ${refusal ? "bad" : "good"}`;
  text(byId("tag"), `${refusal ? "refused" : "permitted"} on ${when(receipt.at)}`);
  text(byId("because"), refusal ? `${words(refusal.rule.replace("/", ": "))} (${refusal.cite}); ${refusal.next_allowed_at ? `allowed from ${when(refusal.next_allowed_at)}` : "not before something changes"}.` : "Every rule allowed it.");
  text(byId("again"), receipt.confirmed ? "Given again just now by the rules of that day: the very same came out." : "Given again just now by the rules of that day: something else came out.");
  byId("again").className = receipt.confirmed ? "" : "wrong";
  byId("account").href = `/accounts/${asked.account}`;
  text(byId("version"), `rules ${receipt.policy_version.slice(0, 12)}, receipt ${receipt.decision}`);
  fill(byId("findings"), findings(receipt.findings));
  const shown = (value) => (value === null ? "–" : typeof value === "string" ? value : JSON.stringify(value));
  fill(byId("asked"), Object.entries(asked).map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, words(name)), el("td", { class: "small" }, shown(value)))));
});
