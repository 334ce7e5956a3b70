"""How values are shown: table cells, columns, charts and text lines; pure functions."""
