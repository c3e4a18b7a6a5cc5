"""The registers of partners and forces, which this service writes."""
