//! YAML text to a small tree, and the place of a node in the text. It knows no key of ours.
