"""Figures drawn with paths: the same questions answered as for pixels, but exactly."""
