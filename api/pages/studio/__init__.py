"""The console's pages about creatives: the look and the voice they have, who makes them, how they do."""
