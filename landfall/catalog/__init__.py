"""What can be created in a stack file: kinds, their commented blocks, and where a block goes.

Pure: stack files come in as text, changed text comes out. Fields, defaults and comments are read from the
config models; only values that a person would have to choose are written here.

Does not: touch files (`landfall.cli.new` does), check the result (the config loader does).
"""
