"""The conduit's own descriptions of itself, generated: AsyncAPI, OpenAPI, and pages that people read."""
