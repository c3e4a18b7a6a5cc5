"""Who may use the HTTP API and how often: clients and their secrets, tokens, rates. Nothing here knows of HTTP."""
