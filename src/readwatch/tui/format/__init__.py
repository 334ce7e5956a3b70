"""What the cells of a row, a chart and a text line look like: pure functions of values."""
