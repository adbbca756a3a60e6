"""Network plane: private VPCs for the planes that come after it."""
