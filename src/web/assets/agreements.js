// The agreement rules as their text.
import { api, byId, logOut, text, whoAmI } from "/assets/common.js";

const me = await whoAmI();
text(byId("me"), me.name);
byId("out").addEventListener("click", logOut);
byId("save").hidden = me.role !== "admin";
byId("text").readOnly = me.role !== "admin";
try {
  byId("text").value = (await api("GET", "/api/agreements")).text;
} catch (error) {
  text(byId("said"), error.message);
}
byId("rules").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await api("PUT", "/api/agreements", { text: byId("text").value });
    text(byId("said"), "In force.");
  } catch (error) {
    text(byId("said"), error.field ? `${error.field}: ${error.message}` : error.message);
  }
});
