"""Landfall's plugins for LocalEmu, loaded through the entry points of this package's `pyproject.toml`.

Modules here run inside the emulator's process. They may import `localemu`, `moto` and the packages of the
emulator's environment, and the standard library; never `landfall`, `components` or `sandbox`.
"""
