"""Pages for people: the sample storefront and the shopkeeper's console."""
