"""The rules, one short file each; the frame finds them by itself."""
