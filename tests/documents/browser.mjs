// Reads pages as people do, in a real browser without page scripts, and prints what it found for each.
// Standard input: {browser, pages: [url], looks: [{width, scheme}]}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.TOOLS}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"];
// WCAG 1.4.12: text stays readable with this spacing.
const SPACING = "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; } p { margin-bottom: 2em !important; }";

const task = JSON.parse(readFileSync(0, "utf8"));
const browser = await chromium.launch({ executablePath: task.browser, args: ["--no-sandbox", "--disable-gpu"] });
const found = [];
for (const url of task.pages) {
  for (const { width, scheme } of task.looks) {
    found.push(await read(url, scheme, width));
  }
}
await browser.close();
process.stdout.write(JSON.stringify(found));

async function read(url, scheme, width) {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: scheme });
  const page = await context.newPage();
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(url);
  const result = { url, scheme, width, title: await page.title(), overflow: await overflow(page), keyboard: await keyboard(page) };
  await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));
  result.opened = await overflow(page);
  result.clipped = await clipped(page);
  result.violations = await violations(page);
  await page.addStyleTag({ content: SPACING });
  result.spaced = await overflow(page);
  result.requests = asked.filter((each) => each !== url);
  await context.close();
  return result;
}

async function violations(page) {
  await page.evaluate(axe);
  const options = { runOnly: { type: "tag", values: RULES }, resultTypes: ["violations"] };
  const { violations } = await page.evaluate((given) => axe.run(document, given), options);
  return violations.map(({ id, help, nodes }) => ({ id, help, where: nodes.slice(0, 3).map((node) => node.html.slice(0, 200)) }));
}

function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}

// Text that its own box cuts off.
function clipped(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll("main *")]
      .filter((each) => each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflowX !== "visible" && each.clientWidth > 1)
      .map((each) => each.outerHTML.slice(0, 120)),
  );
}

// Tab from the top: where the focus goes, whether it can be seen, and whether the skip link skips.
async function keyboard(page) {
  const steps = [];
  for (let count = 0; count < 25; count += 1) {
    await page.keyboard.press("Tab");
    const step = await focus(page);
    if (step === null) break; // past the end of the page
    steps.push(step);
  }
  await page.evaluate(() => document.querySelector(".skip").focus());
  await page.keyboard.press("Enter");
  const skipped = await page.evaluate(() => document.activeElement.id);
  await page.keyboard.press("Tab");
  const after = await page.evaluate(() => Boolean(document.activeElement.closest("main")));
  const summary = page.locator("summary").first();
  let opens = null;
  if (await summary.count()) {
    await summary.focus();
    await page.keyboard.press("Enter");
    opens = await page.evaluate(() => document.querySelector("details").open);
  }
  return { steps, skipped, after, opens };
}

function focus(page) {
  return page.evaluate(() => {
    const each = document.activeElement;
    if (each === document.body) return null;
    const [box] = each.getClientRects(); // of a link that wraps, its first line
    const style = getComputedStyle(each);
    const inside = box.top >= -1 && box.left >= -1 && box.bottom <= window.innerHeight + 1 && box.right <= window.innerWidth + 1;
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return {
      text: each.textContent.trim().slice(0, 60),
      ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
      seen: inside && Boolean(top) && (each.contains(top) || top.contains(each)),
    };
  });
}
