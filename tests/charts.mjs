// Has the Mermaid charts of Markdown pages read by Mermaid itself: each is a flow chart of at most thirty
// arrows. It runs beside its packages; tests/pipelines.sh installs them.
// usage: node charts.mjs PAGE...    exit: 0 all are read, 1 one is not or there is none
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

const { window } = new JSDOM("<!doctype html><body></body>");
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");
mermaid.initialize({ startOnLoad: false, securityLevel: "strict" });

let charts = 0;
let bad = 0;
for (const page of process.argv.slice(2)) {
  const text = readFileSync(page, "utf8");
  for (const [, chart] of text.matchAll(/^(?:```|::: )mermaid\n([\s\S]*?)^(?:```|:::)$/gm)) {
    charts += 1;
    try {
      const { db } = await mermaid.mermaidAPI.getDiagramFromText(chart);
      const drawn = db.getEdges().length;
      const written = chart.match(/>\|"/g)?.length ?? 0;
      if (drawn === 0 || drawn > 30 || drawn !== written) {
        throw new Error(`${drawn} arrows are drawn of ${written}`);
      }
    } catch (error) {
      bad += 1;
      console.log(`${page}: ${error.message ?? error}`);
    }
  }
}
console.log(`${charts} charts, ${bad} are not read`);
process.exit(charts === 0 || bad > 0 ? 1 : 0);
