// Compiles each JSON Schema as strictly as Ajv can, and prints by name what it found wrong with it or with its examples.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.env.TOOLS, "package.json"));
const Ajv = require("ajv/dist/2020.js").default;
const addFormats = require("ajv-formats").default;

const found = {};
for (const [name, schema] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  try {
    const ajv = new Ajv({ strict: true, allErrors: true });
    addFormats(ajv);
    const validate = ajv.compile(schema);
    const wrong = (schema.examples ?? []).filter((example) => !validate(example));
    if (wrong.length > 0) found[name] = JSON.stringify(validate.errors);
  } catch (error) {
    found[name] = error.message;
  }
}
process.stdout.write(JSON.stringify(found));
