"""The command line of Landfall."""
