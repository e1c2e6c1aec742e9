// A script with @sentry/node in it. Its arguments are the package and what to do; the DSN, the
// release and the environment are Sentry's own variables.
const [, , packageName, what] = process.argv;
const Sentry = await import(packageName);

Sentry.init({ sendDefaultPii: true });

function pay(basket) {
  return basket.owner.purse.pay(basket.total);
}

async function flood(pauseMs) {
  for (let number = 0; number < 30; number += 1) {
    Sentry.captureMessage(`message ${number} of a flood`);
    await Sentry.flush(5000);
    await new Promise((later) => { setTimeout(later, pauseMs); });
  }
}

const deeds = {
  crash() {
    Sentry.setUser({ id: "visitor-7" });
    Sentry.setTag("theme", "dark");
    Sentry.addBreadcrumb({ category: "basket", message: "a pear was added", level: "info" });
    setTimeout(() => pay({ total: 12 }), 0);
  },
  reject() {
    Promise.reject(new RangeError("nobody awaits this"));
  },
  async chained() {
    try {
      pay({ total: 12 });
    } catch (error) {
      Sentry.captureException(new Error("nobody pays for basket 7", { cause: error }));
    }
    await Sentry.flush(5000);
  },
  async message() {
    Sentry.captureMessage("only 2 pears left", "warning");
    await Sentry.flush(5000);
  },
  async checked_in() {
    Sentry.withMonitor("count-stock", () => {});
    try {
      Sentry.withMonitor("fill-shelves", () => { throw new Error("no shelf"); });
    } catch {
      // withMonitor reports the state, and hands the error on.
    }
    await Sentry.flush(5000);
  },
  flood: () => flood(0),
  trickle: () => flood(150),
};

await deeds[what]();
