// A page with @sentry/react in it: a boundary around a component that fails once it is asked to.
import * as Sentry from "@sentry/react";
import { useState } from "react";
import { createRoot } from "react-dom/client";
import { checkOut } from "./basket.js";

Sentry.init({ sendDefaultPii: true, ...window.settings });
Sentry.setUser({ id: "visitor-7" });
Sentry.setTag("theme", "dark");

function Total({ items }) {
  return <b>{checkOut({ items })}</b>;
}

function Basket() {
  const [items, setItems] = useState([{ name: "apple", price: { amount: 3 } }]);
  return (
    <section>
      <button id="pay" onClick={() => setItems([...items, { name: "pear" }])}>pay</button>
      <Total items={items} />
    </section>
  );
}

createRoot(document.getElementById("root")).render(
  <Sentry.ErrorBoundary fallback={<p id="sorry">Sorry</p>}>
    <Basket />
  </Sentry.ErrorBoundary>,
);
document.title = "kiosk";
