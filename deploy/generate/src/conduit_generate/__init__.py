"""What is written by code and committed: dashboards, manifests and documents. Nobody installs it."""
