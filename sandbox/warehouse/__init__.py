"""The sandbox's warehouse: a PostgreSQL server of its own that answers as Amazon Redshift does (DESIGN
section 9).

Does not speak the Redshift Data API (`landfall_emulator.redshift_data` does) and does not translate SQL
(`landfall_emulator.dialect` does); it owns the server process, its data and the compatibility functions in
it.
"""

from sandbox.warehouse.dsn import DSN_FILE, Endpoint, WarehouseDsn, read_dsn
from sandbox.warehouse.server import WarehouseProcess, attach_postgres, start_postgres, stop_postgres

__all__ = [
    "DSN_FILE",
    "Endpoint",
    "WarehouseDsn",
    "WarehouseProcess",
    "attach_postgres",
    "read_dsn",
    "start_postgres",
    "stop_postgres",
]
