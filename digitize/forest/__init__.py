"""Forest plots: their rows as drawn (squares, intervals, diamonds), and what is printed beside them."""
