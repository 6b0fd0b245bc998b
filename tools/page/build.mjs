// Bundles the page's script and style into the Python package: `make assets`. With a folder as argument, into that.
// The first line of each names the sources it was made from, so that `make generated` sees a stale one without npm.
import {build} from "esbuild";
import {createHash} from "node:crypto";
import {readdirSync, readFileSync} from "node:fs";

const target = process.argv[2] ?? "../../operator/servicegraph/report/assets";

const sources = ["build.mjs", "package-lock.json", "package.json", ...readdirSync("src").sort().map((name) => `src/${name}`)];
const hash = createHash("sha256");
for (const name of sources) hash.update(`${name}\0`).update(readFileSync(name)).update("\0");
const banner = `/* tools/page ${hash.digest("hex")} */`;

await build({
  entryPoints: {page: "src/main.ts", style: "src/page.css"},
  outdir: target,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "inline",
  banner: {js: banner, css: banner},
  logLevel: "warning",
});
