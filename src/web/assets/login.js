import { api, byId } from "/assets/common.js";

/** Where to go: the page that asked for the log-in, if it is one of ours, else the one of the role. */
function destination() {
  const asked = new URLSearchParams(location.search).get("to") ?? "";
  return /^\/[a-z]+(\/[0-9a-f-]{36})?$/.test(asked) ? asked : "/";
}

function refuse(detail, field) {
  byId("wrong").hidden = false;
  byId("wrong").textContent = detail;
  (byId(field) ?? byId("password")).focus();
}

byId("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const [login, password] = [byId("login").value.trim(), byId("password").value];
  if (!login) return refuse("Enter your log-in name.", "login");
  if (!password) return refuse("Enter your password.", "password");
  byId("go").disabled = true;
  try {
    await api("POST", "/api/session", { login, password });
    location.assign(destination());
  } catch (error) {
    byId("go").disabled = false;
    const wrong = error.status === 401;
    refuse(wrong ? "Log-in name or password is wrong." : `It did not work: ${error.message}`, error.field ?? "password");
  }
});
