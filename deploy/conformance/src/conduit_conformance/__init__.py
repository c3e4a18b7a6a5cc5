"""`conduit conformance`: tries somebody's connector in a sandbox, and says what fails and why.

The sandbox is a broker on which no hub works: this kit plays the hub there, with synthetic records and the hub's own rules.
"""
