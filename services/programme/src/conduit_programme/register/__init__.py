"""The registers of partners, forces and people, which this service writes."""
