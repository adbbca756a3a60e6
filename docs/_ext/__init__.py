"""What the documentation site needs beside Sphinx: navigation, drawings, and the check of what was built."""
