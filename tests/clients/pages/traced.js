// A page whose SDK measures how fast it was.
import * as Sentry from "@sentry/browser";

Sentry.init({
  integrations: [Sentry.browserTracingIntegration()],
  tracesSampleRate: 1,
  ...window.settings,
});
const heading = document.createElement("h1");
heading.textContent = "Three pears, freshly painted";
document.body.append(heading);
heading.addEventListener("click", () => { heading.textContent = "Sold"; });
document.title = "traced";
