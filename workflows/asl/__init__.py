"""Amazon States Language: states, machines, checks, permissions, drawings."""
