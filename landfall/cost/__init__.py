"""What a stack costs a month, from a dated file of list prices. Pure.

`prices` reads the file, `charges` knows what each resource type is billed for, `estimate` adds up. What is
not known is listed as unknown, never counted as nothing. (source: DESIGN section 10, `landfall preview`)
"""
