//! To come: the text of `kubectl explain` for the port fields.
