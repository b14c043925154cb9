"""The toolkit for virtual instruments: command languages, status model, and the VISA wire they hang on."""
