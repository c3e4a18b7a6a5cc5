"""What services speak HTTP with: the server and its own pages, the toolkit for a service's own API, bodies within limits."""
