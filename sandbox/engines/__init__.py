"""Two engines for one program: the real Pulumi CLI, and an embedded one for machines without it (DESIGN section 9)."""
