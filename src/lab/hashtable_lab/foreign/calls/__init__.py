"""What every call of the C API does with references, as data, and what of the header for C is written by hand."""
