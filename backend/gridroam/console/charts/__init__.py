"""Charts as SVG, drawn on the server: shapes in a plot that stretches with the page, texts that
keep their size, and every value again as a row of a table."""
