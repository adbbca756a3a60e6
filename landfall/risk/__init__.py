"""What a change of a stack puts at risk, most dangerous first. Pure: two sets of resources in, findings out.

`snapshot` reads the resources, `changes` compares them, `rank` asks the rules: `stateful` (data that goes),
`permissions` (who may do more), `ingress` (who can connect), `exposure` (what the world can reach).
(source: DESIGN section 10, `landfall preview`)
"""
