"""Component resources, a folder per plane, one component a file."""
