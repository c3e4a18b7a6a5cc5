// Runs Redocly and Spectral on the documents that are named on standard input; prints what they found, by document.
import { readFileSync, writeFileSync, mkdtempSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";

const bin = join(process.env.TOOLS, "node_modules", ".bin");
const folder = mkdtempSync(join(tmpdir(), "lint-"));
const rules = join(folder, "spectral.yaml");
writeFileSync(rules, 'extends: ["spectral:oas", "spectral:asyncapi"]\n');
const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };

function run(program, args) {
  const done = spawnSync(join(bin, program), args, { encoding: "utf8", env, cwd: folder, maxBuffer: 1 << 28 });
  return JSON.parse(done.stdout);
}

const found = {};
for (const [name, document] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify(document));
  const spectral = run("spectral", ["lint", "--ruleset", rules, "--format", "json", "--quiet", path]);
  found[name] = spectral.map((each) => [each.code, each.severity < 1 ? "error" : "warning", each.path.join("/")]);
  if (document.openapi) {
    const { problems } = run("redocly", ["lint", "--format", "json", path]);
    found[name].push(...problems.map((each) => [each.ruleId, each.severity, each.location?.[0]?.pointer ?? ""]));
  }
}
process.stdout.write(JSON.stringify(found));
