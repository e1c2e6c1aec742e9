// A page with @sentry/browser in it; `settings` are put there by whoever opens it.
import * as Sentry from "@sentry/browser";
import { checkOut } from "./basket.js";

Sentry.init({ sendDefaultPii: true, ...window.settings });
Sentry.setUser({ id: "visitor-7" });
Sentry.setTag("theme", "dark");

const deeds = {
  pay: () => checkOut({ items: [{ name: "pear" }] }),
  reject: () => { Promise.reject(new RangeError("nobody awaits this")); },
  say: () => Sentry.captureMessage("only 2 pears left", "warning"),
  chat: () => console.warn("two pears on the scales"),
  ask: async () => {
    await fetch("stock.json");
    document.title = "answered";
  },
  peek: () => { new Image().src = "https://pixels.example/one.gif"; },
  flood: async () => {
    for (let number = 0; number < 30; number += 1) {
      Sentry.captureMessage(`message ${number} of a flood`);
      await Sentry.flush(5000);
    }
    document.title = "flooded";
  },
};

for (const [name, deed] of Object.entries(deeds)) {
  const button = document.createElement("button");
  button.id = name;
  button.textContent = name;
  button.addEventListener("click", deed);
  document.body.append(button);
}
document.title = "shop";
