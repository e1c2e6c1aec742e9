// Drives one Chromium for tests/browser.py: a JSON array a line in, `[verb, …arguments]`, and a
// JSON object a line out, `{"result": …}` or `{"error": …}`. `node drive.mjs CHROMIUM`
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [, , executablePath] = process.argv;
// A container's /dev/shm is small, and its root may not make the sandbox's namespaces.
const args = ["--disable-dev-shm-usage", "--disable-gpu"];
const browser = await chromium.launch({ executablePath, args, chromiumSandbox: false });
let page;

const verbs = {
  async open(address, settings) {
    await page?.context().close();
    page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(20_000);
    await page.addInitScript((given) => { window.settings = given; }, settings);
    await page.goto(address);
  },
  async click(selector) {
    await page.click(selector);
  },
  async title(wanted) {
    await page.waitForFunction((text) => document.title === text, wanted);
  },
  async text(selector) {
    return page.textContent(selector);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ...given] = JSON.parse(line);
  let answer;
  try {
    answer = { result: (await verbs[verb](...given)) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  console.log(JSON.stringify(answer));
}
await browser.close();
