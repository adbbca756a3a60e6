"""Pictures: a scene of boxes, lines and texts, placed and routed by pure functions, written as SVG, PNG
and Mermaid.

`architecture` makes the scene of a plan, `workflows.asl.draw` those of workflows and state machines. The same
input gives the same bytes: nothing here reads a clock, an environment or an unordered collection.
"""
