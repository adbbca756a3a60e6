"""The frame that rules plug into; a rule's author needs `rule`, `require` and `documents` only."""
