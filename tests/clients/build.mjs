// Bundles the pages as a deploy would: minified, each with its source map, once for each major of
// the SDK. `node build.mjs FOLDER`
import { build } from "esbuild";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const [, , folder] = process.argv;
const sdks = {
  newest: {},
  previous: {
    "@sentry/browser": "sentry-browser-previous",
    "@sentry/react": "sentry-react-previous",
  },
};

for (const [major, alias] of Object.entries(sdks)) {
  await build({
    entryPoints: ["pages/shop.js", "pages/kiosk.jsx", "pages/traced.js"],
    outdir: join(folder, major),
    alias,
    bundle: true,
    minify: true,
    sourcemap: true,
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "warning",
  });
  for (const page of ["shop", "kiosk", "traced"]) {
    writeFileSync(
      join(folder, major, `${page}.html`),
      `<!doctype html><meta charset="utf-8"><div id="root"></div><script src="${page}.js"></script>`,
    );
  }
}
