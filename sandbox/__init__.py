"""AWS on one machine: emulator, warehouse, host agents and deployment engines (DESIGN section 9)."""
