"""The chain's events and messages as rows that answer questions quickly.

`projection` makes the rows, `follower` keeps them at the head of the chain, `queries` asks. Nothing
here is trusted by anybody: what a row says is proven by `statements`, from the chain alone.
"""
