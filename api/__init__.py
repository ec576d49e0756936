"""The composition root that answers HTTP: JSON for storefronts and admins, pages for people."""
