"""The report of a workflow run: one page and the files that it links to.

`model` is what a report says (pure data), `history` reads attempts and waits from an execution's history,
`gather` asks the plane for the rest, `gantt` and `graph` place bars and nodes, `render` writes the page and
`folder` puts it where it belongs.
"""
