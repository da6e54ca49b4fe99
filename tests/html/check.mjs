// Opens pages that portcullis wrote in headless Chromium, from the disk, and uses them as a reader
// would. It fails on any error that the page tells, on any request, and on anything that a reader would
// miss.
// usage: node check.mjs PAGES SHOTS   PAGES holds hub.html, hostile.html and
//        difference.html; pictures go to SHOTS
import { createRequire } from "node:module";
import { mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import assert from "node:assert/strict";

const require = createRequire(join(process.env.PORTCULLIS_NODE ?? process.cwd(), "x.js"));
const { chromium } = require("playwright-core");
const [pages, shots] = process.argv.slice(2).map((path) => resolve(path));
mkdirSync(shots, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
let checks = 0;
const faults = [];

async function open(name, options = {}) {
  // A context is a new empty profile.
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const own = pathToFileURL(join(pages, name)).href;
  page.on("console", (m) => faults.push(`${name}: console ${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => faults.push(`${name}: ${e}`));
  page.on("request", (r) => {
    if (r.url() !== own) faults.push(`${name}: asks for ${r.url()}`);
  });
  page.on("dialog", (d) => {
    faults.push(`${name}: opens a dialog: ${d.message()}`);
    d.dismiss();
  });
  await page.goto(own);
  return page;
}

async function check(what, body) {
  try {
    await body();
    checks += 1;
    console.log(`ok ${what}`);
  } catch (error) {
    faults.push(`${what}: ${error.message}`);
    console.log(`not ok ${what}`);
  }
}

const shown = (page, selector) => page.locator(`${selector}:visible`);
const shot = (page, name, more = {}) => page.screenshot({ path: join(shots, `${name}.png`), ...more });

// The report of a policy.
const hub = await open("hub.html");
await check("the header names the project, the catalogue and the environments", async () => {
  assert.equal(await hub.locator("h1").innerText(), "hub");
  assert.match(await hub.locator(".facts").innerText(), /Service tags\s+public \d+ \(\d{4}-\d\d-\d\d\)/);
  assert.deepEqual(await hub.locator("#envs [role=tab]").allInnerTexts(), ["dev", "prod"]);
  assert.match(await hub.locator(".verdict").innerText(), /Proven/);
});
await check("environments are tabs", async () => {
  const before = await shown(hub, "table.m").getAttribute("aria-label");
  await hub.getByRole("tab", { name: "prod" }).click();
  const after = await shown(hub, "table.m").getAttribute("aria-label");
  assert.notEqual(before, after);
  assert.match(after, /in prod/);
  assert.equal(await shown(hub, "table.m").count(), 1);
});
await shot(hub, "matrix-light");
await check("a click on a cell lists its flows with their lines and a packet", async () => {
  const row = shown(hub, "table.m tbody tr").filter({ has: hub.locator("th", { hasText: /^avd$/ }) });
  await row.locator("td.z[aria-label^='avd to 172.']").click();
  const detail = shown(hub, ".detail");
  const text = await detail.innerText();
  assert.match(text, /avd-egress::intranet/);
  assert.match(text, /spokes\.gate:\d+/);
  assert.match(text, /tcp\/80,443/);
  assert.match(text, /portcullis explain -e prod tcp 10\.40\.32\.\d+ 172\.16\.\d+\.\d+:443/);
  assert.equal(await hub.evaluate(() => document.activeElement.tagName), "H3");
});
await shot(hub, "cell-light");
await check("Escape closes it and the cell has the focus again", async () => {
  await hub.keyboard.press("Escape");
  assert.equal(await shown(hub, ".detail").count(), 0);
  assert.match(await hub.evaluate(() => document.activeElement.getAttribute("aria-label")), /^avd to 172\./);
});
await check("arrows move among cells and Enter opens one", async () => {
  const label = () => hub.evaluate(() => document.activeElement.getAttribute("aria-label"));
  const start = await label();
  await hub.keyboard.press("ArrowRight");
  const right = await label();
  assert.notEqual(right, start);
  assert.match(right, /^avd to /);
  await hub.keyboard.press("ArrowLeft");
  assert.equal(await label(), start);
  await hub.keyboard.press("ArrowUp");
  assert.doesNotMatch(await label(), /^avd to /);
  await hub.keyboard.press("Enter");
  assert.equal(await shown(hub, ".detail").count(), 1);
  await hub.keyboard.press("Escape");
});
await check("one cell of a matrix is in the order of the tab key", async () => {
  assert.equal(await shown(hub, "table.m td.z[tabindex='0']").count(), 1);
});
await check("the legend picks a state", async () => {
  await shown(hub, ".legend button[data-s='s-exception']").click();
  const faint = await shown(hub, "table.m td.s-allow").first().evaluate((e) => +getComputedStyle(e).opacity);
  const full = await shown(hub, "table.m td.s-exception").first().evaluate((e) => +getComputedStyle(e).opacity);
  assert.ok(faint < 0.3 && full === 1, `${faint} ${full}`);
  await shown(hub, ".legend button[data-s='s-exception']").click();
});
await check("a word narrows rows and columns", async () => {
  const all = await shown(hub, "table.m tbody tr[data-r]").count();
  await shown(hub, "input.mfind").fill("aks::aks");
  const some = await shown(hub, "table.m tbody tr[data-r]").count();
  assert.ok(some > 0 && some < all, `${some} of ${all}`);
  await shown(hub, "input.mfind").fill("10.40.32");
  const named = await shown(hub, "table.m tbody tr[data-r] th").allInnerTexts();
  assert.ok(named.includes("avd") && !named.includes("neu::apim"), named.join());
  await shown(hub, "input.mfind").fill("");
  assert.equal(await shown(hub, "table.m tbody tr[data-r]").count(), all);
});
await check("rows are grouped by owner", async () => {
  await shown(hub, "select.mgroup").selectOption("owner");
  const heads = await shown(hub, "table.m tbody tr.h th").allInnerTexts();
  assert.ok(heads.includes("team-workplace"), heads.join());
  await shown(hub, "select.mgroup").selectOption("network");
});
await check("colours have patterns and words beside them", async () => {
  for (const state of ["exception", "envelope", "denied", "unasked", "undecided"]) {
    const swatch = shown(hub, `.legend .s-${state}`).first();
    const image = await swatch.evaluate((e) => getComputedStyle(e).backgroundImage);
    assert.match(image, /gradient/, state);
  }
  for (const label of await shown(hub, "table.m td.z").evaluateAll((l) => l.map((e) => e.getAttribute("aria-label"))))
    assert.match(label, /: (allow|exception|envelope|unasked|undecided|denied)/);
});
await check("the tabs are moved through with the keyboard", async () => {
  await hub.locator("#views [role=tab]").first().focus();
  const seen = [];
  const count = await hub.locator("#views [role=tab]").count();
  for (let i = 0; i < count; i += 1) {
    const panel = hub.locator(".panel:visible");
    assert.equal(await panel.count(), 1);
    seen.push(await panel.getAttribute("id"));
    await hub.keyboard.press("ArrowRight");
  }
  assert.equal(new Set(seen).size, count);
  assert.equal(await hub.locator(".panel:visible").getAttribute("id"), seen[0]);
  await hub.keyboard.press("End");
  assert.equal(await hub.locator(".panel:visible").getAttribute("id"), seen[count - 1]);
});
await check("ways are a picture with a text alternative", async () => {
  await hub.locator("#t-p-ways").click();
  const svg = shown(hub, "svg.sankey");
  assert.equal(await svg.getAttribute("role"), "img");
  const [title, text] = (await svg.getAttribute("aria-labelledby")).split(" ");
  assert.match(await hub.locator(`#${title}`).textContent(), /prod: \d+ flows allowed/);
  assert.match(await hub.locator(`#${text}`).textContent(), /table/);
  assert.match(await shown(hub, "#p-ways table.t").first().innerText(), /no firewall, NSG \w/);
});
await shot(hub, "ways-light", { fullPage: true });
await check("flows are filtered by text, owner, end and environment", async () => {
  await hub.locator("#t-p-flows").click();
  const rows = shown(hub, "#flows tbody tr");
  const all = await rows.count();
  await hub.locator("#f-text").fill("intranet");
  assert.equal(await rows.count(), 1);
  assert.match(await hub.locator("#f-count").innerText(), /^1 of \d+/);
  await hub.locator("#f-clear").click();
  assert.equal(await rows.count(), all);
  await hub.locator("#f-owner").selectOption({ label: "team-kubernetes" });
  for (const text of await rows.allInnerTexts()) assert.match(text, /team-kubernetes/);
  await hub.locator("#f-due").selectOption("365");
  assert.equal(await rows.count(), 1);
  await hub.locator("#f-env").selectOption("");
  const everywhere = await rows.count();
  assert.ok(everywhere > 1, `${everywhere}`);
  await hub.locator("#f-env").selectOption({ label: "prod" });
  await hub.locator("#f-due").selectOption("30");
  assert.equal(await rows.count(), 0);
  assert.ok(await hub.locator("#f-none").isVisible());
  await hub.locator("#f-clear").click();
  await hub.locator("#f-ticket").selectOption({ label: "SEC-311" });
  assert.match(await rows.first().innerText(), /exceptions::\s*apim-git/);
  await hub.locator("#f-clear").click();
});
await check("flows are sorted by a column", async () => {
  const button = hub.locator("#flows th button", { hasText: "Until" });
  await button.click();
  assert.match(await shown(hub, "#flows tbody tr").first().innerText(), /2027-01-31/);
  assert.equal(await button.locator("..").getAttribute("aria-sort"), "ascending");
});
await shot(hub, "flows-light");
await check("limits, envelopes, ends and optional flows are there", async () => {
  await hub.locator("#t-p-resources").click();
  assert.ok((await shown(hub, ".bar").count()) > 10);
  await shot(hub, "resources-light");
  await hub.locator("#t-p-envelopes").click();
  assert.match(await shown(hub, "#p-envelopes table").innerText(), /envelope-tcp-/);
  await hub.locator("#t-p-calendar").click();
  assert.match(await shown(hub, ".months").innerText(), /January 2027[\s\S]*exceptions::apim-git/);
  await shot(hub, "calendar-light");
  await hub.locator("#t-p-optional").click();
  const row = shown(hub, "#p-optional tr", { hasText: "avd-egress::office" }).filter({ hasText: "avd-egress::office" });
  assert.deepEqual((await row.locator("td").allInnerTexts()).slice(1, 3), ["off", "on"]);
});
await check("a cell leads to its flows in the table", async () => {
  await hub.locator("#t-p-matrix").click();
  await shown(hub, "table.m td.z[aria-label^='weu::apim to tag(Storage.WestEurope)']").click();
  await shown(hub, ".detail").getByRole("button", { name: "Show in the flows table" }).click();
  const rows = await shown(hub, "#flows tbody tr").allInnerTexts();
  assert.ok(rows.length >= 2 && rows.some((t) => /apim-git/.test(t.replaceAll("\n", ""))), rows.join("|"));
});
await check("the theme can be chosen", async () => {
  const paper = () => hub.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await hub.locator("#theme").click();
  assert.equal(await paper(), light);
  await hub.locator("#theme").click();
  assert.notEqual(await paper(), light);
  await hub.locator("#theme").click();
});
await check("nothing hangs over the edge of the window", async () => {
  const wide = await hub.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${wide} pixels`);
});

const dark = await open("hub.html", { colorScheme: "dark" });
await check("dark is dark, and its texts can be read", async () => {
  const contrast = await dark.evaluate(() => {
    const parse = (text) => text.match(/[\d.]+/g).slice(0, 3).map(Number);
    const light = (rgb) => {
      const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const paper = light(parse(getComputedStyle(document.querySelector(".card")).backgroundColor));
    const of = (selector) => ratio(light(parse(getComputedStyle(document.querySelector(selector)).color)), paper);
    return { paper, heading: of("h2"), lead: of(".lead") };
  });
  assert.ok(contrast.paper < 0.05, JSON.stringify(contrast));
  assert.ok(contrast.heading >= 7 && contrast.lead >= 4.5, JSON.stringify(contrast));
});
await shown(dark, "table.m td.z").nth(12).click();
await shot(dark, "cell-dark");
await dark.locator("#t-p-ways").click();
await shot(dark, "ways-dark");

const narrow = await open("hub.html", { viewport: { width: 390, height: 844 } });
await check("a narrow window has no overhang", async () => {
  for (const tab of await narrow.locator("#views [role=tab]").all()) {
    await tab.click();
    const wide = await narrow.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${await tab.innerText()}: ${wide} pixels`);
  }
});
await narrow.locator("#t-p-matrix").click();
await shot(narrow, "matrix-narrow", { fullPage: true });
await narrow.locator("#t-p-flows").click();
await shot(narrow, "flows-narrow");

await check("in print all parts are there and the controls are not", async () => {
  await hub.emulateMedia({ media: "print", colorScheme: "light" });
  assert.equal(await hub.locator(".panel:visible").count(), await hub.locator(".panel").count());
  for (const selector of ["#views", "#theme", ".filters >> nth=0"]) assert.ok(!(await hub.locator(selector).isVisible()), selector);
  const pdf = await hub.pdf({ path: join(shots, "print.pdf"), preferCSSPageSize: true });
  assert.ok(pdf.length > 20_000);
});

const quiet = await open("hub.html", { javaScriptEnabled: false });
await check("without scripts every part can be read", async () => {
  assert.equal(await quiet.locator(".panel:visible").count(), await quiet.locator(".panel").count());
  assert.ok(await quiet.locator("noscript p").isVisible());
});

// Texts that try to be markup.
const hostile = await open("hostile.html");
await check("hostile texts are shown and do nothing", async () => {
  assert.equal(await hostile.locator("img, iframe, object, embed, link").count(), 0);
  assert.equal(await hostile.locator("script").count(), 2);
  for (const tab of await hostile.locator("#views [role=tab]").all()) await tab.click();
  await hostile.locator("#t-p-flows").click();
  assert.match(await hostile.locator("#flows").innerText(), /<\/script><img src=x onerror=/);
  await hostile.locator("#t-p-matrix").click();
  for (const cell of await shown(hostile, "table.m td.z").all()) {
    await cell.click();
    assert.equal(await hostile.locator(".detail img").count(), 0);
    await hostile.keyboard.press("Escape");
  }
});
await check("a pair that passes though nobody asks for it is told", async () => {
  const cell = shown(hostile, "table.m td.s-unasked").first();
  await cell.click();
  assert.match(await shown(hostile, ".detail").innerText(), /no flow speaks of it[\s\S]*it passes: let through by/);
});
await check("a script that is not the page's own does not run", async () => {
  const ran = await hostile.evaluate(() => {
    const before = window.spoilt;
    const script = document.createElement("script");
    script.textContent = "window.spoilt = true";
    document.body.appendChild(script);
    return [before, window.spoilt];
  });
  assert.deepEqual(ran, [undefined, undefined]);
  // The refusal itself is told on the console: that is what is wanted here.
  const refused = faults.findIndex((f) => /hostile\.html: console error: .*Content Security Policy/.test(f));
  assert.ok(refused >= 0);
  faults.splice(refused, 1);
});

{
  const page = await open("difference.html");
  await check("a difference shows what changed first", async () => {
    assert.equal(await page.locator(".panel:visible").getAttribute("id"), "p-changes");
    assert.match(await page.locator("#p-changes").innerText(), /Newly allowed/);
    assert.match(await page.locator(".facts").innerText(), /Before[\s\S]*After/);
  });
  await shot(page, "difference-light");
  await check("its matrix has corners, and a cell leads to the change", async () => {
    await page.locator("#t-p-matrix").click();
    const cell = page.locator("table.m td.plus:visible").first();
    assert.match(await cell.getAttribute("aria-label"), /widened/);
    await cell.click();
    await shot(page, "difference-cell");
    assert.match(await page.locator(".detail:visible").innerText(), /Newly allowed/);
    await page.locator(".detail:visible").getByRole("button", { name: "Show the change" }).first().click();
    assert.equal(await page.locator(".panel:visible").getAttribute("id"), "p-changes");
  });
  await check("what is narrowed has a corner of its own, and rules are listed", async () => {
    await page.locator("#t-p-matrix").click();
    assert.match(await page.locator("table.m td.minus:visible").first().getAttribute("aria-label"), /narrowed/);
    await page.locator("#t-p-rules").click();
    assert.match(await page.locator("#p-rules").innerText(), /-\s+exceptions-apim-git\s+Allow/);
  });
  const night = await open("difference.html", { colorScheme: "dark" });
  await shot(night, "difference-dark", { fullPage: true });
}

for (const name of ["hub.html", "hostile.html", "difference.html"]) {
  const size = statSync(join(pages, name)).size;
  await check(`${name} is below 2 MB (${size} bytes)`, async () => assert.ok(size < 2 * 1024 * 1024));
}
await browser.close();
for (const fault of faults) console.error(fault);
console.log(`${checks} passed, ${faults.length} failed`);
process.exit(faults.length === 0 ? 0 : 1);
