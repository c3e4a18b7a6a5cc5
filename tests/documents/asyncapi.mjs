// Prints the diagnostics of the standard's own parser for each of the documents on standard input, by name.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.TOOLS}/`);
const { Parser } = require("@asyncapi/parser");

const found = {};
for (const [name, document] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  const diagnostics = await new Parser().validate(document);
  found[name] = diagnostics.map(({ severity, code, message, path }) => ({ severity, code, message, path: path.join("/") }));
}
process.stdout.write(JSON.stringify(found));
