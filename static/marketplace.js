// The design system's own behaviour, and nothing that a page needs to work.
import { initAll } from "./vendor/govuk-frontend.min.js";

initAll();

// A form sent twice by a double click is sent once.
for (const form of document.querySelectorAll("form.dfm-once")) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
}
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
