"""Two engines for one program.

The real Pulumi CLI, and an embedded one for machines without it (DESIGN section 9).
"""
