"""Values as table cells, columns, charts and lines of text: pure functions."""
