"""Stands in for the package http-parser, whose C extension does not build with current Pythons."""
