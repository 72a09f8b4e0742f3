"""Pages for suppliers, grid operators and station operators, made on the server.

`pages` has a module for each page, `charts` draws, `templates` and `static` are what a browser
gets. Figures come from the index; what a check mark says is proven against the chain when the page
is made.
"""
