"""From a request for a slate to the slate, dressed: what `/recommend` and the shop's pages answer with."""
